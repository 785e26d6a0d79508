// The address that a new room will have, while its name is typed; one that somebody entered stays.

const title = document.getElementById("id_title");
const name = document.getElementById("id_name");
const address = document.getElementById("address");
const MADE_OF_NAME = address.textContent;
let isEntered = name.value !== "";

title.addEventListener("input", follow);
name.addEventListener("input", () => {
  isEntered = name.value !== "";
  show();
});
follow(); // also what was typed before this listened

function follow() {
  if (!isEntered) name.value = addressOf(title.value);
  show();
}

function show() {
  address.textContent = name.value ? address.dataset.site + name.value : MADE_OF_NAME;
}

// As names.address_of does it on the server.
function addressOf(text) {
  const plain = text.toLowerCase().replaceAll("ß", "ss").normalize("NFKD").replace(/\p{M}/gu, "");
  const kept = plain.replace(/[^a-z0-9_]+/g, "-").slice(0, name.maxLength);
  return kept.replace(/^[-_]+|[-_]+$/g, "");
}
