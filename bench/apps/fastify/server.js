// Fastify with better-sqlite3, written by hand: no guards, no versions, no journal. FULL, as Holdfast does.
import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import fastify from "fastify";

const db = new Database(process.env.BENCH_DATABASE);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");

const MEMBERS = "id, version, name, sku, category, price, quantity, rating, active, status, released_on, notes, created_at, updated_at";
const readOne = db.prepare(`SELECT ${MEMBERS} FROM items WHERE id = ?`);
const readPage = db.prepare(`SELECT ${MEMBERS} FROM items WHERE category = ? ORDER BY id LIMIT ? OFFSET ?`);
const count = db.prepare("SELECT count(*) AS n FROM items WHERE category = ?");
const insert = db.prepare(
  "INSERT INTO items (id, version, name, sku, category, price, quantity, rating, active, status, released_on, notes, created_at, updated_at) " +
    "VALUES (@id, 1, @name, @sku, @category, @price, @quantity, @rating, @active, @status, @released_on, @notes, @now, @now)",
);

const show = (row) => ({ ...row, price: (row.price / 100).toFixed(2), active: row.active === 1 });

const text = (maxLength) => ({ type: "string", maxLength });
const itemBody = {
  type: "object",
  additionalProperties: false,
  required: ["name", "sku", "category", "price", "quantity", "rating"],
  properties: {
    name: { ...text(120), minLength: 1 },
    sku: text(40),
    category: text(40),
    price: { type: "string", pattern: "^[0-9]{1,10}\\.[0-9]{2}$" },
    quantity: { type: "integer", minimum: 0 },
    rating: { type: "number", minimum: 0, maximum: 5 },
    active: { type: "boolean", default: true },
    status: { enum: ["draft", "published", "archived"], default: "draft" },
    released_on: { type: ["string", "null"], format: "date", default: null },
    notes: { ...text(2000), default: "" },
  },
};

const app = fastify();

app.get("/items/:id", (request, reply) => {
  const row = readOne.get(request.params.id);
  return row ? reply.send({ success: true, data: show(row) }) : reply.code(404).send({ success: false });
});

app.get("/items", (request, reply) => {
  const { category, limit = 20, page = 1 } = request.query;
  const rows = readPage.all(category, Number(limit), (Number(page) - 1) * Number(limit));
  reply.send({ success: true, data: rows.map(show), meta: { total: count.get(category).n, page: Number(page), limit: Number(limit) } });
});

app.post("/items", { schema: { body: itemBody } }, (request, reply) => {
  const body = request.body;
  const row = { ...body, id: randomUUID(), price: Math.round(Number(body.price) * 100), active: Number(body.active), now: new Date().toISOString() };
  insert.run(row);
  reply.code(201).send({ success: true, data: show(readOne.get(row.id)) });
});

await app.listen({ host: "127.0.0.1", port: Number(process.env.BENCH_PORT) });
