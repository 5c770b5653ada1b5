// Starts Swagger UI. A file of its own, because the policy of the page allows no inline script.
"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  defaultModelsExpandDepth: 0, // the schemas are many; operations are what is looked for
  docExpansion: "list",
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null, // would send the document to a server on the internet
  onComplete: function () {
    const title = document.querySelector(".info .title");
    if (title && title.firstChild) {
      document.title = title.firstChild.textContent;
    }
  },
});
