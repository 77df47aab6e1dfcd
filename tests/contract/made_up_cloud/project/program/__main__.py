"""penstock's own program, with the made-up cloud registered before."""

from tests.contract.made_up_cloud.registration import register

register()

import stacks.__main__  # noqa: E402, F401
