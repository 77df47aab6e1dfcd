"""Claims of a stack's volumes, as they change with the volumes."""

from components.kubernetes.build import _claim
from components.plan.kubernetes import NAMESPACE, Manifest
from components.provider import StaticVolume
from rehearsal.field.fixed_fields import changed, fixed_fields, why_not_resized


def claim(gib: int, storage_class: str = "") -> Manifest:
    source = {} if storage_class else {"nfs": {"server": "files", "path": "/"}}
    volume = StaticVolume(claim="data", capacity_gib=gib, source=source, storage_class=storage_class)
    return _claim(volume, NAMESPACE)


def test_a_claim_stays_as_it_is_while_the_volume_behind_it_grows() -> None:
    old, new = claim(1200), claim(2400)
    assert not [path for row in fixed_fields("", "PersistentVolumeClaim") for path in changed(row, old, new)]
    assert why_not_resized(old, new, lambda _: False) == ""


def test_a_claim_of_a_class_has_the_size_that_is_asked() -> None:
    assert claim(1200, "fast")["spec"]["resources"]["requests"]["storage"] == "1200Gi"
    assert why_not_resized(claim(1200, "fast"), claim(2400, "fast"), lambda name: name == "fast") == ""
