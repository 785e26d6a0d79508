"""Telling people elsewhere, by e-mail and in a channel, that a notice stands and that it is over: once each."""
