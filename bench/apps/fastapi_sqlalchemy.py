"""The usual stack in its documented form: FastAPI, Pydantic models, SQLAlchemy ORM, a session for each request.

It reads and writes the very table of the Holdfast database it is pointed at, with synchronous=FULL, as Holdfast does.
"""

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine(f"sqlite:///{os.environ['BENCH_DATABASE']}", connect_args={"check_same_thread": False})


@event.listens_for(engine, "connect")
def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


SessionLocal = sessionmaker(engine, autoflush=False)


class Base(DeclarativeBase):
    """The declarative base."""


class Item(Base):
    """The row."""

    __tablename__ = "items"

    hf_row: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(default=1)
    name: Mapped[str]
    sku: Mapped[str]
    category: Mapped[str] = mapped_column(index=True)
    price: Mapped[int]
    quantity: Mapped[int]
    rating: Mapped[float]
    active: Mapped[bool]
    status: Mapped[str]
    released_on: Mapped[str | None]
    notes: Mapped[str]
    created_at: Mapped[str]
    updated_at: Mapped[str]


class ItemIn(BaseModel):
    """What a client sends."""

    name: str = Field(min_length=1, max_length=120)
    sku: str = Field(max_length=40)
    category: str = Field(max_length=40)
    price: int = Field(ge=0)
    quantity: int = Field(ge=0)
    rating: float = Field(ge=0, le=5)
    active: bool = True
    status: str = Field(default="draft", pattern="^(draft|published|archived)$")
    released_on: date | None = None
    notes: str = Field(default="", max_length=2_000)


class ItemOut(ItemIn):
    """What a client gets."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    version: int
    created_at: str
    updated_at: str


class ItemPage(BaseModel):
    """A page of a list with its total."""

    data: list[ItemOut]
    total: int


def get_session() -> Iterator[Session]:
    """A session for each request."""
    with SessionLocal() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
app = FastAPI()


@app.get("/items/{item_id}")
def read_item(item_id: str, session: SessionDep) -> ItemOut:
    """Read one."""
    item = session.scalar(select(Item).where(Item.id == item_id))
    if item is None:
        raise HTTPException(status_code=404)
    return ItemOut.model_validate(item)


@app.get("/items")
def list_items(
    session: SessionDep, category: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 20, page: int = 1
) -> ItemPage:
    """Read a page and the total."""
    query = select(Item).order_by(Item.id)
    if category is not None:
        query = query.where(Item.category == category)
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = session.scalars(query.limit(limit).offset((page - 1) * limit)).all()
    return ItemPage(data=[ItemOut.model_validate(row) for row in rows], total=total)


@app.post("/items", status_code=201)
def create_item(body: ItemIn, session: SessionDep) -> ItemOut:
    """Create one."""
    now = datetime.now(UTC).isoformat()
    values = body.model_dump(mode="json")
    item = Item(id=str(uuid.uuid4()), version=1, created_at=now, updated_at=now, **values)
    session.add(item)
    session.commit()
    session.refresh(item)
    return ItemOut.model_validate(item)
