// The whole call: what the media server says to whom it knows by the token.

export async function embed({ container, url, parameters, on }) {
  const answer = await fetch(`${url}?token=${encodeURIComponent(parameters.token)}`);
  const call = document.createElement("p");
  call.textContent = await answer.text();
  container.replaceChildren(call);
  on.joined();
  return { leave: () => {}, destroy: () => call.remove() };
}
