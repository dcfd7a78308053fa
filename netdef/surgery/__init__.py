"""Net surgery: operations on the text of a net and on its weights at once.

`open_draft` reads both; every operation returns a new `Draft` and leaves the one it was given:

    draft = open_draft("deploy.prototxt", "net.caffemodel")
    draft = fully_convolutional(cut(draft, "fc8"))
    draft.save("out", "net", ".caffemodel")
"""

from netdef.surgery.cut import cut
from netdef.surgery.draft import Draft, open_draft
from netdef.surgery.fully_convolutional import fully_convolutional
from netdef.surgery.graft import graft
from netdef.surgery.rename import rename
from netdef.surgery.replace import replace

__all__ = ["Draft", "cut", "fully_convolutional", "graft", "open_draft", "rename", "replace"]
