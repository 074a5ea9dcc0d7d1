"""The xAPI statement data model, 1.0.3 and 2.0: read (validate), compare (digest), compose (return). No I/O.

Start in `reading`; `shapes` has the properties and their types, each other module the rules of one part.
"""

from lrs.kernel.statements.compose import compose
from lrs.kernel.statements.reading import Statement, read_statement, read_statements
from lrs.kernel.statements.versions import XapiVersion

__all__ = ["Statement", "XapiVersion", "compose", "read_statement", "read_statements"]
