"""What the campaigns serve: registers that everybody may read and write. `holdfast serve chaos/backend.py`."""

from holdfast import Access, Backend, Resource, anyone, field


class Register(Resource):
    """A number and a text beside it."""

    number: int = 0
    text: str = field(default="", search=True)

    access = Access(read=anyone, write=anyone)


backend = Backend(Register, title="Chaos")
