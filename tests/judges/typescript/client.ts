// Calls every operation of the library through fetch, typed by what openapi-typescript made of the document.
// Prints the operations that were called, as JSON; any surprise ends it with an error.

import createClient from "openapi-fetch";
import type { components, operations, paths } from "./schema.js";

type Book = components["schemas"]["Book"];
type Answer = { response: Response; error?: unknown };

declare const process: { argv: string[] };

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const client = createClient<paths>({ baseUrl: process.argv[2] ?? "", headers: bearer(process.argv[3] ?? "") });
const called = new Set<keyof operations>();

function expect(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Error(what);
}

function done<T extends Answer>(operation: keyof operations, status: number, answer: T): T {
  expect(answer.response.status === status, `${operation}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
  called.add(operation);
  return answer;
}

function isWhole(record: Book | components["schemas"]["Book.part"]): record is Book {
  return record.title !== undefined && record.price !== undefined;
}

async function createRecords(): Promise<{ authorId: string; book: Book }> {
  const author = done("create_author", 201, await client.POST("/api/v1/authors", { body: { name: "Ursula", email: "ursula@example.org" } }));
  const authorId = author.data!.data.id;
  expect(author.response.headers.get("location") === `/api/v1/authors/${authorId}`, "Location");
  const many = [{ name: "Octavia", email: "octavia@example.org" }, { name: "Stanisław", email: "stanislaw@example.org" }];
  expect(done("bulk_create_authors", 201, await client.POST("/api/v1/authors/bulk", { body: many })).data!.data.length === 2, "bulk");
  const body = { title: "The Dispossessed", author_id: authorId, price: "12.50", tags: ["utopia"] };
  const made = done("create_book", 201, await client.POST("/api/v1/books", { params: { query: { include: "author" } }, body }));
  const book = made.data!.data;
  expect(isWhole(book) && book.price === "12.50" && book.version === 1 && book.author?.name === "Ursula", "book");
  const again = [{ title: "Rocannon's World", author_id: authorId, price: 7.25, status: "published" as const }];
  expect(done("bulk_create_books", 201, await client.POST("/api/v1/books/bulk", { body: again })).data!.data[0]?.price === "7.25", "number");
  return { authorId, book };
}

async function readInEveryWay(authorId: string, book: Book): Promise<string> {
  const path = { id: book.id };
  const read = done("read_book", 200, await client.GET("/api/v1/books/{id}", { params: { path } }));
  const etag = read.response.headers.get("etag") ?? "";
  const header = { "If-None-Match": etag };
  done("read_book", 304, await client.GET("/api/v1/books/{id}", { params: { path, header } }));
  const part = done("read_book", 200, await client.GET("/api/v1/books/{id}", { params: { path, query: { fields: "title" } } }));
  expect(!isWhole(part.data!.data), "part");
  done("read_author", 200, await client.GET("/api/v1/authors/{id}", { params: { path: { id: authorId } } }));

  const query = { "price[gte]": "10", "status[in]": "draft,published", sort: "-price", limit: 1 };
  const list = done("list_books", 200, await client.GET("/api/v1/books", { params: { query } })).data!;
  expect(list.meta.total === 1 && list.data[0]?.id === book.id, "list");
  const found = done("list_authors", 200, await client.GET("/api/v1/authors", { params: { query: { q: "stanis" } } }));
  expect(found.data!.meta.total === 1, "search");
  const hers = { path: { id: authorId }, query: { "title[contains]": "Disp" } };
  expect(done("list_authors_books", 200, await client.GET("/api/v1/authors/{id}/books", { params: hers })).data!.meta.total === 1, "nested");

  const filter = { price: { gte: "10" }, "author.name": "Ursula", or: [{ status: "draft" as const }, { not: { tags: null } }] };
  expect(done("query_books", 200, await client.POST("/api/v1/books/query", { body: { filter, sort: ["-price"] } })).data!.meta.total === 1, "query");
  done("query_authors", 200, await client.POST("/api/v1/authors/query", { body: { filter: { name: { startswith: "O" } } } }));
  return etag;
}

async function changeInEveryWay(authorId: string, book: Book, etag: string): Promise<void> {
  const path = { id: book.id };
  const read = await client.GET("/api/v1/books/{id}", { params: { path } });
  const whole = read.data!.data;
  expect(isWhole(whole), "whole");
  const { author: _, ...body } = whole; // what was read can be sent back, what is included aside
  const replaced = done("replace_book", 200, await client.PUT("/api/v1/books/{id}", { params: { path, header: { "If-Match": etag } }, body }));
  expect(replaced.data!.data.version === 2, "replaced");
  const patched = done("patch_book", 200, await client.PATCH("/api/v1/books/{id}", { params: { path }, body: { status: "published", version: 2 } }));
  expect(patched.data!.data.version === 3, "patched");
  const stale = done("delete_book", 412, await client.DELETE("/api/v1/books/{id}", { params: { path, header: { "If-Match": etag } } }));
  expect(stale.error !== undefined && "error" in stale.error && stale.error.error.code === "version_conflict", "stale");
  done("delete_book", 200, await client.DELETE("/api/v1/books/{id}", { params: { path, query: { version: 3 } } }));

  const hers = { path: { id: authorId } };
  const any = { ...hers, header: { "If-Match": "*" } };
  done("delete_author", 409, await client.DELETE("/api/v1/authors/{id}", { params: any }));
  const author = done("patch_author", 200, await client.PATCH("/api/v1/authors/{id}", { params: any, body: { name: "Ursula K." } })).data!.data;
  const renamed = { name: "Ursula K. Le Guin", email: "ursula@example.org", version: author.version };
  done("replace_author", 200, await client.PUT("/api/v1/authors/{id}", { params: hers, body: renamed }));
  const left = await client.GET("/api/v1/authors/{id}/books", { params: hers });
  for (const each of left.data!.data) {
    done("delete_book", 200, await client.DELETE("/api/v1/books/{id}", { params: { path: { id: each.id }, query: { version: each.version } } }));
  }
  const minimal = { ...hers, header: { "If-Match": "*", Prefer: "return=minimal" } };
  done("delete_author", 204, await client.DELETE("/api/v1/authors/{id}", { params: minimal }));
}

// Both the author and the book are deleted by now.
async function undoAndLookBack(authorId: string, book: Book): Promise<void> {
  const path = { id: book.id };
  const hers = { path: { id: authorId } };
  done("undelete_author", 200, await client.POST("/api/v1/authors/{id}/undelete", { params: hers }));
  const undone = done("undelete_book", 200, await client.POST("/api/v1/books/{id}/undelete", { params: { path } }));
  expect(undone.data!.data.title === book.title, "undeleted");
  const history = done("list_book_history", 200, await client.GET("/api/v1/books/{id}/history", { params: { path } })).data!;
  expect(history.data.some((each) => each.after?.title === book.title), "history");
  done("list_author_history", 200, await client.GET("/api/v1/authors/{id}/history", { params: hers }));

  const author = { name: "Joanna", email: "joanna@example.org" };
  const operations = [
    { method: "POST" as const, path: "/authors", body: author, as: "a" },
    { method: "POST" as const, path: "/books", body: { title: "The Female Man", author_id: "$a.id", price: "9.00" } },
  ];
  const once = { params: { header: { "Idempotency-Key": "0190b8f0-batch" } }, body: { operations } };
  const first = done("apply_batch", 200, await client.POST("/api/v1/batch", once)).data!;
  expect(first.data.every((each) => each.status === 201), "batch");
  const again = done("apply_batch", 200, await client.POST("/api/v1/batch", once));
  expect(again.response.headers.get("idempotency-replayed") === "true", "replayed");

  const changes = done("list_changes", 200, await client.GET("/api/v1/changes", { params: { query: { resource: "authors" } } })).data!;
  expect(typeof changes !== "string", "a page, no stream");
  expect(changes.meta.next === changes.meta.head && changes.data.at(-1)?.operation === "created", "changes");
}

// A user is made, changed, deleted and brought back; then signs in, and out.
async function keepAccounts(): Promise<void> {
  const password = "a long enough passphrase";
  const email = "ann@example.org";
  const user = done("create_user", 201, await client.POST("/api/v1/users", { body: { email, password, roles: ["editor"] } })).data!.data;
  done("bulk_create_users", 201, await client.POST("/api/v1/users/bulk", { body: [{ email: "bob@example.org" }] }));
  const one = { path: { id: user.id } };
  const any = { ...one, header: { "If-Match": "*" } };
  done("read_user", 200, await client.GET("/api/v1/users/{id}", { params: one }));
  done("list_users", 200, await client.GET("/api/v1/users", { params: { query: { "email[startswith]": "ann" } } }));
  done("query_users", 200, await client.POST("/api/v1/users/query", { body: { filter: { email } } }));
  done("patch_user", 200, await client.PATCH("/api/v1/users/{id}", { params: any, body: { active: false } }));
  done("replace_user", 200, await client.PUT("/api/v1/users/{id}", { params: one, body: { email, roles: [], version: 2 } }));
  done("delete_user", 200, await client.DELETE("/api/v1/users/{id}", { params: any }));
  done("undelete_user", 200, await client.POST("/api/v1/users/{id}/undelete", { params: one }));
  done("patch_user", 200, await client.PATCH("/api/v1/users/{id}", { params: any, body: { password } })); // what is secret is not brought back
  done("list_user_history", 200, await client.GET("/api/v1/users/{id}/history", { params: one }));
  await signInAndOut(email, password);
}

async function signInAndOut(email: string, password: string): Promise<void> {
  const pair = done("sign_in", 200, await client.POST("/api/v1/auth/login", { body: { email, password } })).data!.data;
  const headers = bearer(pair.access_token ?? "");
  done("read_me", 200, await client.GET("/api/v1/auth/me", { headers }));
  done("enrol_totp", 200, await client.POST("/api/v1/auth/totp/enrol", { headers, body: { password } }));
  done("confirm_totp", 401, await client.POST("/api/v1/auth/totp/confirm", { headers, body: { totp: "made up" } }));
  done("disable_totp", 200, await client.POST("/api/v1/auth/totp/disable", { headers, body: { password, totp: "made up" } }));
  done("verify_email", 200, await client.POST("/api/v1/auth/verify-email", { headers, body: {} }));
  done("ask_reset", 200, await client.POST("/api/v1/auth/reset", { body: { email } }));
  const renewed = "another long passphrase";
  done("confirm_reset", 401, await client.POST("/api/v1/auth/reset/confirm", { body: { token: "made up", password: renewed } }));
  done("change_password", 200, await client.POST("/api/v1/auth/password", { headers, body: { current: password, new: renewed } }));
  await client.POST("/api/v1/auth/login", { body: { email, password: renewed } });
  const sessions = done("list_sessions", 200, await client.GET("/api/v1/auth/sessions", { headers })).data!.data;
  const id = sessions.find((each) => !each.current)?.id ?? "";
  done("revoke_session", 200, await client.DELETE("/api/v1/auth/sessions/{id}", { headers, params: { path: { id } } }));
  const body = { refresh_token: pair.refresh_token ?? "" };
  const fresh = done("refresh_session", 200, await client.POST("/api/v1/auth/refresh", { body })).data!.data;
  done("sign_out", 200, await client.POST("/api/v1/auth/logout", { headers: bearer(fresh.access_token ?? "") }));
}

async function askForTheService(): Promise<void> {
  expect(done("check_health", 200, await client.GET("/healthz")).data!.data.status === "alive", "alive");
  expect(done("check_readiness", 200, await client.GET("/readyz")).data!.data.status === "ready", "ready");
  done("read_metrics", 200, await client.GET("/metrics", { parseAs: "text" }));
  done("read_openapi", 200, await client.GET("/openapi.json"));
  done("show_docs", 200, await client.GET("/docs", { parseAs: "text" }));
}

const { authorId, book } = await createRecords();
const etag = await readInEveryWay(authorId, book);
await changeInEveryWay(authorId, book, etag);
await undoAndLookBack(authorId, book);
await keepAccounts();
await askForTheService();
console.log(JSON.stringify([...called].sort()));
