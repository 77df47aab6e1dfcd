"""One component with one resource, and one way to go wrong."""

import pulumi


class File(pulumi.CustomResource):
    def __init__(self, name: str, path: str, text: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("tiny:index:File", name, {"path": path, "text": text}, opts)


class Folder(pulumi.ComponentResource):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__("tiny:index:Folder", name)
        File("file", path, text, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


config = pulumi.Config()
if config.get_bool("broken"):
    raise ValueError("the description says broken")
Folder("folder", config.require("path"), config.get("text") or "hello")
pulumi.export("path", config.require("path"))
pulumi.export("token", pulumi.Output.secret("not for everyone"))
