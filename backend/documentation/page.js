// Shows the contract of this service in Swagger UI. Where the service has keys, it asks for one first.
"use strict";

const CONTRACT = "api/v1/openapi.json";
const HEADER = "X-API-Key";
const SCHEME = "key"; // its name in the contract

const form = document.querySelector("form");
const message = document.querySelector("#message");

async function open(key) {
  message.textContent = "";
  const answer = await fetch(CONTRACT, { headers: key ? { [HEADER]: key } : {} });
  const content = await answer.json();
  if (!answer.ok) {
    message.textContent = `${answer.status} ${content.title}: ${content.detail}`;
    form.hidden = false;
    return;
  }
  form.hidden = true;
  const ui = SwaggerUIBundle({
    spec: content,
    dom_id: "#operations",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null, // it would be asked on another host
    onComplete: () => key && ui.preauthorizeApiKey(SCHEME, key),
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  open(form.querySelector("input").value);
});

if (document.body.dataset.key === "needed") {
  form.hidden = false;
  form.querySelector("input").focus();
} else {
  open("");
}
