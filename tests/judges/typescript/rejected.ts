// What the types must refuse: every line below an @ts-expect-error is an error, or the compiler complains.

import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

export async function rejected(client: ReturnType<typeof createClient<paths>>): Promise<void> {
  // @ts-expect-error a required member is missing
  await client.POST("/api/v1/authors", { body: { name: "Ursula" } });
  // @ts-expect-error not one of the choices
  await client.GET("/api/v1/books", { params: { query: { status: "lost" } } });
  // @ts-expect-error a member that may not be null
  await client.PATCH("/api/v1/books/{id}", { params: { path: { id: "" } }, body: { title: null } });
  // @ts-expect-error an operand of the wrong type
  await client.POST("/api/v1/books/query", { body: { filter: { version: { gte: "1" } } } });
}
