// Signs in with the token in the address's fragment, which no server sees, or with one typed in.

const message = document.getElementById("message");
const input = document.getElementById("token");

async function signIn(token) {
  const response = await fetch("/sign-in", { method: "POST", body: token }).catch(() => null);
  if (response?.ok) {
    location.replace("/");
  } else if (response?.status === 429) {
    message.textContent = `Too many attempts. Wait ${response.headers.get("retry-after")} seconds.`;
  } else if (response) {
    message.textContent = "This is not the token.";
  } else {
    message.textContent = "The device does not answer.";
  }
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(input.value.trim());
});

const fragment = location.hash.slice(1);
if (fragment) {
  history.replaceState(null, "", "/"); // out of the address bar and the history
  signIn(fragment);
}
