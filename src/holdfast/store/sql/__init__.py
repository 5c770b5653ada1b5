"""Pure rendering of plans to SQL with SQLAlchemy Core; no driver, no I/O.

`render.Renderer` is the face. What one database says differently stands behind `dialect.Dialect`, in one file per database.
"""
