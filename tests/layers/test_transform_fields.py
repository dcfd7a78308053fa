"""`transform_param`: fields of forks, and `augmentation_param`, wherever a type reads it."""

import pytest

import netdef

LAYERS = {
    "Data": 'data_param { source: "db" batch_size: 2 }',
    "ImageData": 'image_data_param { source: "l" batch_size: 2 new_height: 8 new_width: 8 %s }',
    "WindowData": 'window_data_param { source: "w" batch_size: 2 }',
    "MemoryData": "memory_data_param { batch_size: 2 channels: 3 height: 8 width: 8 }",
}
FORKS = {
    "resize_param": "resize_param { height: 4 width: 4 }",
    "noise_param": "noise_param { prob: 1 }",
    "distort_param": "distort_param { hue_prob: 1 }",
    "expand_param": "expand_param { prob: 1 }",
    "emit_constraint": "emit_constraint { emit_type: CENTER }",
    "scale_factors": "scale_factors: 0.5",
    "is_flow": "is_flow: true",
    "multi_scale": "multi_scale: true",
    "scale_ratios": "scale_ratios: 0.5",
    "max_distort": "max_distort: 2",
    "fix_crop": "fix_crop: true",
}


def found(tmp_path, kind, transform, more="", tops=2):
    names = 'top: "d" top: "l"' if tops == 2 else 'top: "d"'
    own = LAYERS[kind].replace("%s", more)
    (tmp_path / "net.prototxt").write_text(
        f'layer {{ name: "d" type: "{kind}" {names}\n{own}\n'
        f"transform_param {{ crop_size: 8\n{transform} }} }}"
    )
    return [
        d for d in netdef.check(tmp_path / "net.prototxt", phases=["TRAIN"], hints=False)
        if d.rule != "missing-source"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("field", FORKS)
def test_what_only_forks_carry_out_is_faulted_at_the_field(tmp_path, kind, field):
    (fault,) = found(tmp_path, kind, FORKS[field])
    assert (fault.rule, fault.is_error) == ("unsupported", True)
    assert fault.message.startswith(f"`{field}` is for data layers of ")
    assert fault.message.endswith(f"'s own; {kind} cannot carry it out")
    block = "{" in FORKS[field]
    assert (fault.span.line, fault.span.column) == (4, 1 if block else len(f"{field}: ") + 1)


def test_what_there_is_instead(tmp_path):
    (fault,) = found(tmp_path, "Data", FORKS["distort_param"])
    assert "`brightness`, `contrast`, `saturation` and `hue`" in fault.note


def test_fields_that_are_left_out_are_not_faulted(tmp_path):
    for kind in LAYERS:
        assert found(tmp_path, kind, "") == []


@pytest.mark.parametrize("kind", ["Data", "ImageData", "MemoryData"])
def test_augmentation_that_makes_sense(tmp_path, kind):
    fields = """min_area: 0.08 max_area: 1 max_aspect_ratio: 1.34 rotation: 180 brightness: 0.4
    contrast: 1 saturation: 0 hue: 180 noise: 25 noise_levels: 10 noise_label: true erase: 0.5"""
    assert found(tmp_path, kind, f"augmentation_param {{ {fields} }}") == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("min_area: 0", "`min_area` must be above 0"),
        ("min_area: 0.6 max_area: 0.5", "`min_area` 0.6 is above `max_area` 0.5"),
        ("max_area: 1.1", "`max_area` must be from 0 to 1, not 1.1"),
        ("max_aspect_ratio: 0.75", "`max_aspect_ratio` must be at least 1, not 0.75"),
        ("max_aspect_ratio: inf", "`max_aspect_ratio` must be at least 1, not inf"),
        ("rotation: -5", "`rotation` must be from 0 to 180, not -5"),
        ("hue: 181", "`hue` must be from 0 to 180, not 181"),
        ("brightness: 1.5", "`brightness` must be from 0 to 1, not 1.5"),
        ("contrast: -1", "`contrast` must be from 0 to 1, not -1"),
        ("saturation: nan", "`saturation` must be from 0 to 1, not nan"),
        ("noise: -1", "`noise` must be at least 0, not -1"),
        ("noise_levels: 1 noise: 2", "the only level would be 0; give at least 2"),
        ("noise_label: true", "`noise_label` says nothing without `noise`"),
        ("noise_levels: 5", "`noise_levels` says nothing without `noise`"),
        ("erase: 2", "`erase` must be from 0 to 1, not 2"),
        ("min_erased: 0.5", "`min_erased` 0.5 is above `max_erased` 0.33"),
    ],
)
def test_augmentation_out_of_range(tmp_path, fields, message):
    (fault,) = found(tmp_path, "Data", f"augmentation_param {{ {fields} }}")
    assert (fault.rule, fault.message) == ("bad-value", message)
    assert fault.span.line == 4
    name = message.split("`")[1] if "`" in message else "noise_levels"
    assert fault.span.column == 22 + f" {fields}".index(name) - 1 + len(f"{name}: ")


def test_noise_needs_a_label_to_replace(tmp_path):
    fields = "augmentation_param { noise: 5 noise_label: true }"
    (fault,) = found(tmp_path, "Data", fields, tops=1)
    assert fault.message == "the layer has no second top for the label"


@pytest.mark.parametrize("name", ["saturation", "hue"])
def test_colours_need_three_channels(tmp_path, name):
    fields = f"augmentation_param {{ {name}: 0.5 }}"
    assert found(tmp_path, "ImageData", fields) == []
    (fault,) = found(tmp_path, "ImageData", fields, "is_color: false")
    assert fault.message == f"`{name}` is for images of 3 channels; these have 1"


def test_windows_are_not_augmented(tmp_path):
    (fault,) = found(tmp_path, "WindowData", "augmentation_param { hue: 5 }")
    assert fault.message == "WindowData cuts and stretches its windows itself"
    assert fault.rule == "unsupported"
