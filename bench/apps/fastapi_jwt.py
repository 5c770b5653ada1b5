"""The usual stack with its users: a JWT dependency that loads the user, as FastAPI documents it ("OAuth2 with Password, Bearer with JWT").

A row rule and a rule of one field are written by hand, as its users do: a condition of the query, and a member that is left out.
"""

import json
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer
from jwt.exceptions import InvalidTokenError
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from bench.apps.fastapi_sqlalchemy import Base, Item, ItemOut, SessionDep
from bench.data import JWT_KEY

ALGORITHM = "HS256"


class User(Base):
    """Who signs in; roles are a JSON list."""

    __tablename__ = "users"

    hf_row: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(unique=True)
    roles: Mapped[str]
    active: Mapped[bool]
    category: Mapped[str | None]


class GuardedItem(ItemOut):
    """What a client gets: notes are for some roles."""

    notes: str | None = None  # type: ignore[assignment]


app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


def get_current_user(token: Annotated[str, Depends(oauth2_scheme)], session: SessionDep) -> User:
    """The user of the token, from the database."""
    refused = HTTPException(status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})
    try:
        payload: dict[str, Any] = jwt.decode(token, JWT_KEY, algorithms=[ALGORITHM])
    except InvalidTokenError:
        raise refused from None
    user = session.scalar(select(User).where(User.email == payload.get("sub")))
    if user is None:
        raise refused
    return user


def get_current_active_user(user: Annotated[User, Depends(get_current_user)]) -> User:
    """The same, if they may sign in."""
    if not user.active:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "Inactive user")
    return user


@app.get("/items/{item_id}")
def read_item(item_id: str, session: SessionDep, user: Annotated[User, Depends(get_current_active_user)]) -> GuardedItem:
    """Read one: clerks, those of their category."""
    if "clerk" not in json.loads(user.roles):
        raise HTTPException(status.HTTP_403_FORBIDDEN)
    item = session.scalar(select(Item).where(Item.id == item_id, Item.category == user.category))
    if item is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    return GuardedItem.model_validate(item)
