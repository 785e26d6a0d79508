// Keeps rooms, meetings and recordings as they are now.

import { follow } from "../live.js";
import { keepFresh } from "./polling.js";

const SECONDS = 5;

follow(keepFresh, SECONDS);
