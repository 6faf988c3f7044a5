"""Reading: every format, every way a file can be wrong, and pairs that agree only in world coordinates."""

from __future__ import annotations

import locale
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from scipy.ndimage import map_coordinates

from nascompile.data.cases import find_cases
from nascompile.data.load import load_case, load_cases
from nascompile.data.reader import open_image, read_header, resample, to_array
from nascompile.data.task import Listing, Natural, Pairs, Ratio, Task, Threshold, ValueMap, Window
from nascompile.diagnostics import Diagnostic, NasError


def problems_of(task: Task) -> tuple[Diagnostic, ...]:
    with pytest.raises(NasError) as caught:
        load_cases(task, find_cases(task)[0])
    return caught.value.diagnostics


def test_shipped_pair_is_what_pillow_reads(nuclei: Task) -> None:
    case = find_cases(nuclei)[0][0]
    loaded = load_case(replace(nuclei, normalise="none"), case)
    assert isinstance(loaded.label, np.ndarray) and isinstance(case.label, Path)
    assert loaded.image.dtype == np.float32 and loaded.label.dtype == np.int64
    np.testing.assert_array_equal(loaded.image[0], np.asarray(Image.open(case.images[0]), np.float32))
    np.testing.assert_array_equal(loaded.label[0], np.asarray(Image.open(case.label)))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mhd", ".mha", ".nrrd"])
def test_volume_formats_agree(lidc: Task, tmp_path: Path, suffix: str) -> None:
    case = find_cases(lidc)[0][0]
    expected = load_case(lidc, case)
    path = tmp_path / f"case{suffix}"
    sitk.WriteImage(sitk.ReadImage(str(case.images[0])), str(path))
    found = load_case(lidc, replace(case, images=(path,)))
    np.testing.assert_array_equal(found.image, expected.image)
    np.testing.assert_allclose(found.geometry.affine(), expected.geometry.affine(), atol=1e-5)
    assert found.geometry.spacing == pytest.approx((1.25, 1.25, 1.25))


@pytest.mark.parametrize(("mode", "suffix"), [("RGBA", ".png"), ("LA", ".png"), ("RGB", ".tif"), ("RGBA", ".tif")])
def test_alpha_is_dropped_and_grey_is_made(nuclei: Task, tmp_path: Path, mode: str, suffix: str) -> None:
    case = find_cases(nuclei)[0][0]
    path = tmp_path / f"image{suffix}"
    Image.open(case.images[0]).convert("L").convert(mode).save(path)
    expected = load_case(nuclei, case).image
    for channels in (1, 3):
        found = load_case(replace(nuclei, channels=channels), replace(case, images=(path,))).image
        assert found.shape == (channels, *expected.shape[1:])
        np.testing.assert_allclose(found, np.repeat(expected, channels, 0), atol=2e-4)


def test_grey_in_a_colour_task_and_channels_that_do_not_fit(nuclei: Task) -> None:
    case = find_cases(nuclei)[0][0]
    assert load_case(replace(nuclei, channels=3), case).image.shape[0] == 3
    two = replace(case, images=case.images * 2)
    assert load_case(replace(nuclei, channels=2), two).image.shape[0] == 2
    with pytest.raises(NasError, match=r"channel-mismatch.*has 2 channels.*`channels = 2`"):
        load_case(replace(nuclei, channels=4), two)


def test_normalisations(nuclei: Task) -> None:
    case = find_cases(nuclei)[0][0]
    image = load_case(replace(nuclei, normalise="zscore"), case).image
    assert image.mean() == pytest.approx(0, abs=1e-4) and image.std() == pytest.approx(1, abs=1e-4)
    image = load_case(replace(nuclei, normalise="scale"), case).image
    assert (image.min(), image.max()) == (0, 1)
    raw = load_case(replace(nuclei, normalise="none"), case).image
    image = load_case(replace(nuclei, normalise=Window(20, 60)), case).image
    np.testing.assert_allclose(image, np.clip((raw - 20) / 40, 0, 1), atol=1e-6)


def test_mask_of_0_and_255_is_binary(own: Path, nuclei: Task) -> None:
    task = replace(nuclei, root=own, classes=("background", "nucleus"))
    for path in (own / "labels").iterdir():
        Image.fromarray((np.asarray(Image.open(path)) > 0).astype(np.uint8) * 255).save(path)
    loaded = load_cases(task, find_cases(task)[0])
    assert all(set(np.unique(item.label).tolist()) == {0, 1} for item in loaded if isinstance(item.label, np.ndarray))


def test_mask_saved_as_jpeg_needs_a_threshold(own: Path, nuclei: Task) -> None:
    layout = Pairs("images/*.png", "labels/*.jpg")
    task = replace(nuclei, root=own, classes=("background", "nucleus"), layout=layout)
    truth = {}
    for path in sorted((own / "labels").iterdir()):
        mask = np.asarray(Image.open(path)) > 0
        truth[path.stem] = mask
        Image.fromarray(mask.astype(np.uint8) * 255).convert("RGB").save(path.with_suffix(".jpg"), quality=60)
    problems = problems_of(task)
    assert len(problems) == 16 and {p.code for p in problems} == {"label-outside-classes"}
    assert problems[0].hint == "a mask with compression noise needs `labels = threshold(127)`"
    for item in load_cases(replace(task, labels=Threshold()), find_cases(task)[0]):
        assert isinstance(item.label, np.ndarray)
        assert (item.label[0] != truth[item.id]).mean() < 0.01


def test_label_value_outside_the_classes_names_case_and_value(nuclei: Task) -> None:
    problems = problems_of(replace(nuclei, classes=("background", "interior")))
    assert len(problems) == 16
    assert "`test_r416_c000`" in problems[0].message and "the value 2," in problems[0].message
    assert problems[0].primary is not None and problems[0].primary.span.text == "natural"


def test_value_maps(nuclei: Task) -> None:
    case = find_cases(nuclei)[0][0]
    natural = load_case(replace(nuclei, labels=Natural()), case).label
    merged = load_case(replace(nuclei, labels=ValueMap(((0, 0), (1, 1), (2, 1)))), case).label
    assert isinstance(natural, np.ndarray) and isinstance(merged, np.ndarray)
    np.testing.assert_array_equal(merged, natural > 0)
    with pytest.raises(NasError, match="the value 2, outside"):
        load_case(replace(nuclei, labels=ValueMap(((0, 0), (1, 1)))), case)


def test_nan_missing_and_damaged_files_in_one_run(lidc: Task, tmp_path: Path) -> None:
    cases = find_cases(lidc)[0][:4]
    volume = sitk.Cast(sitk.ReadImage(str(cases[0].images[0])), sitk.sitkFloat32)
    volume[3, 4, 5] = float("nan")
    sitk.WriteImage(volume, str(tmp_path / "nan.nii.gz"))
    (tmp_path / "short.nii.gz").write_bytes(cases[1].images[0].read_bytes()[:200])
    broken = [
        replace(case, images=(tmp_path / name,))
        for case, name in zip(cases, ("nan.nii.gz", "short.nii.gz", "absent.nii.gz"), strict=False)
    ]
    with pytest.raises(NasError) as caught:
        load_cases(lidc, [*broken, cases[3]])
    problems = caught.value.diagnostics
    assert [p.code for p in problems] == ["nan-in-image", "unreadable-image", "missing-file"]
    assert all(f"`{case.id}`" in p.message for case, p in zip(cases, problems, strict=False))
    sitk.WriteImage(sitk.ReadImage(str(cases[1].images[0])), str(tmp_path / "short.nii"))
    (tmp_path / "short.nii").write_bytes((tmp_path / "short.nii").read_bytes()[:-1000])
    with pytest.raises(NasError, match=r"unreadable-image.*it ends after 32120 of 33120 bytes"):
        load_case(lidc, replace(cases[1], images=(tmp_path / "short.nii",)))
    assert "1 values that are NaN" in problems[0].message


def test_values_that_float32_cannot_hold(lidc: Task, tmp_path: Path) -> None:
    case = find_cases(lidc)[0][0]
    values = sitk.ReadImage(str(case.images[0]), sitk.sitkFloat64)
    sitk.WriteImage(values * 1e38, str(tmp_path / "large.nii.gz"))
    with pytest.raises(NasError, match="nan-in-image"):
        load_case(lidc, replace(case, images=(tmp_path / "large.nii.gz",)))


def test_sizes_of_image_and_label_differ(own: Path, nuclei: Task) -> None:
    path = own / "labels" / "train_r128_c000.png"
    Image.open(path).crop((0, 0, 128, 96)).save(path)
    problems = problems_of(replace(nuclei, root=own))
    assert [p.code for p in problems] == ["size-mismatch"]
    assert "[128, 128], its label map is [96, 128]" in problems[0].message


def test_volume_in_a_task_of_rank_2(lidc: Task) -> None:
    case = find_cases(lidc)[0][0]
    with pytest.raises(NasError, match=r"rank-mismatch.*3 axes \(32 x 32 x 32\).*`rank = 3`"):
        load_case(replace(lidc, rank=2, patch=(32, 32)), case)


def test_flipped_and_finer_label_maps_pair_by_world_coordinates(lidc: Task, tmp_path: Path) -> None:
    """A volume thresholded, stored flipped, and stored on a finer grid, is the same label map after reading."""
    path = find_cases(lidc)[0][0].images[0]
    image = sitk.ReadImage(str(path))
    mask = sitk.Cast(image > 127, sitk.sitkUInt8)
    finer = sitk.Expand(mask, [2, 2, 2], sitk.sitkNearestNeighbor)
    cropped = mask[4:28, 2:30, 5:27]
    task = replace(lidc, kind="segmentation", classes=("background", "nodule"), layout=Pairs("i.nii", "l.nii"))
    expected = sitk.GetArrayFromImage(mask)
    for label in (mask, sitk.Flip(mask, [False, True, True]), finer, cropped):
        folder = tmp_path / str(label.GetSize()) / str(label.GetDirection()[4])
        folder.mkdir(parents=True)
        sitk.WriteImage(image, str(folder / "i.nii"))
        sitk.WriteImage(label, str(folder / "l.nii"))
        own = replace(task, root=folder)
        found = load_case(own, find_cases(own)[0][0]).label
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found[0], expected)


def test_label_map_elsewhere_in_the_world(lidc: Task, tmp_path: Path) -> None:
    image = sitk.ReadImage(str(find_cases(lidc)[0][0].images[0]))
    far = sitk.Cast(image > 127, sitk.sitkUInt8)
    far.SetOrigin((500.0, 0.0, 0.0))
    sitk.WriteImage(image, str(tmp_path / "i.nii"))
    sitk.WriteImage(far, str(tmp_path / "l.nii"))
    task = replace(lidc, kind="segmentation", classes=("a", "b"), layout=Pairs("i.nii", "l.nii"), root=tmp_path)
    assert [p.code for p in problems_of(task)] == ["size-mismatch"]


def test_label_map_saved_without_its_header(lidc: Task, tmp_path: Path) -> None:
    image = sitk.ReadImage(str(find_cases(lidc)[0][0].images[0]))
    sitk.WriteImage(image, str(tmp_path / "i.nii"))
    bare = sitk.GetImageFromArray((sitk.GetArrayFromImage(image) > 127).astype(np.uint8))
    task = replace(lidc, kind="segmentation", classes=("a", "b"), layout=Pairs("i.nii", "l.nii"), root=tmp_path)
    for direction in ((1, 0, 0, 0, 1, 0, 0, 0, 1), (-1, 0, 0, 0, -1, 0, 0, 0, 1)):  # an identity matrix in LPS, in RAS
        bare.SetDirection(direction)
        sitk.WriteImage(bare, str(tmp_path / "l.nii"))
        problems = problems_of(task)
        assert [p.code for p in problems] == ["grid-mismatch"]
        assert problems[0].hint == "copy origin, spacing and direction of the image into its header"


def test_image_and_label_map_both_without_headers(lidc: Task, tmp_path: Path) -> None:
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(find_cases(lidc)[0][0].images[0])))
    for direction in ((1, 0, 0, 0, 1, 0, 0, 0, 1), (-1, 0, 0, 0, -1, 0, 0, 0, 1)):
        for name, values in (("i", array), ("l", (array > 127).astype(np.uint8))):
            image = sitk.GetImageFromArray(values)
            image.SetDirection(direction)
            sitk.WriteImage(image, str(tmp_path / f"{name}.nii"))
        task = replace(lidc, kind="segmentation", classes=("a", "b"), layout=Pairs("i.nii", "l.nii"), root=tmp_path)
        loaded = load_case(replace(task, normalise="none"), find_cases(task)[0][0])
        assert isinstance(loaded.label, np.ndarray)
        np.testing.assert_array_equal(loaded.label, loaded.image > 127)


def test_channels_on_different_grids(lidc: Task, tmp_path: Path) -> None:
    image = sitk.ReadImage(str(find_cases(lidc)[0][0].images[0]))
    flipped = sitk.Flip(image, [True, False, False])
    cropped = image[4:28, 2:30, 5:27]  # the nodule lies inside
    for name, volume in (("a", image), ("b", flipped), ("c", cropped)):
        sitk.WriteImage(volume, str(tmp_path / f"{name}.nii.gz"))
    task = replace(lidc, root=tmp_path, channels=3, normalise="none")
    case = replace(find_cases(lidc)[0][0], images=tuple(tmp_path / f"{n}.nii.gz" for n in "abc"))
    first, second, third = load_case(task, case).image
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(third[6:26, 4:28, 5:27], first[6:26, 4:28, 5:27], atol=1e-3)


def test_axes_are_turned_to_one_orientation(lidc: Task, tmp_path: Path) -> None:
    case = find_cases(lidc)[0][0]
    turned = sitk.PermuteAxes(sitk.Flip(sitk.ReadImage(str(case.images[0])), [True, False, True]), [2, 0, 1])
    sitk.WriteImage(turned, str(tmp_path / "turned.nii.gz"))
    found = load_case(lidc, replace(case, images=(tmp_path / "turned.nii.gz",)))
    np.testing.assert_array_equal(found.image, load_case(lidc, case).image)


def test_spacing_is_in_the_order_of_the_patch(lidc: Task) -> None:
    case = find_cases(lidc)[0][0]
    loaded = load_case(replace(lidc, spacing=(2.5, 1.25, 0.625)), case)
    assert loaded.image.shape == (1, 16, 32, 64)
    old = load_case(replace(lidc, normalise="none"), case).image
    new = load_case(replace(lidc, normalise="none", spacing=(1.25, 1.25, 0.625)), case).image
    # Halved voxels: their centres lie a quarter of an old voxel to either side of the old centre.
    before, here, after = old[..., :-2], old[..., 1:-1], old[..., 2:]
    np.testing.assert_allclose(new[..., 2:-2:2], 0.75 * here + 0.25 * before, atol=1e-2)
    np.testing.assert_allclose(new[..., 3:-2:2], 0.75 * here + 0.25 * after, atol=1e-2)


def test_resampling_is_linear_up_to_the_edge(lidc: Task, tmp_path: Path) -> None:
    """15 voxels become 8 of twice the size: the last one is centred on the outer edge of the image."""
    volume = sitk.ReadImage(str(find_cases(lidc)[0][0].images[0]), sitk.sitkFloat32)[:31, 4:, 2:17]
    volume.SetSpacing((1.0, 1.0, 1.0))
    spacing = (2.0, 1.5, 0.9)
    values = sitk.GetArrayFromImage(resample(volume, spacing[::-1]))
    old = sitk.GetArrayFromImage(volume)
    assert values.shape == (8, 19, 34) and values[-1].any()
    places = [(np.arange(n) + 0.5) * s - 0.5 for n, s in zip(values.shape, spacing, strict=True)]
    expected = map_coordinates(old, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    np.testing.assert_allclose(values, expected, atol=1e-2)


def test_dicom_series(shared: Path) -> None:
    folder = shared / "dcmqi_ct_seg"
    image = open_image(folder / "ct")
    assert read_header(folder / "ct").size == image.GetSize()
    assert image.GetSpacing()[2] == pytest.approx(1.0)  # by position; the slice thickness says 1.25
    task = Task("ct", folder, Listing(), rank=3, patch=(3, 64, 64), classes=("background", "liver", "spine"))
    loaded = load_case(replace(task, normalise="none"), find_cases(task)[0][0])
    assert isinstance(loaded.label, np.ndarray)
    assert loaded.image.shape == loaded.label.shape == (1, 3, 512, 512)
    liver = loaded.image[loaded.label == 1]
    assert 0 < liver.mean() < 200  # Hounsfield units of soft tissue: the map lies on the liver
    with pytest.raises(NasError, match=r"missing-file.*no DICOM series `1\.2`"):
        open_image(folder / "ct", "1.2")


def test_slices_of_a_series_keep_slopes_of_their_own(lidc: Task, tmp_path: Path) -> None:
    """As in PET: the slope of the first slice is 1, those of the others are fractions."""
    before = locale.setlocale(locale.LC_ALL)  # writing DICOM changes it
    volume = sitk.ReadImage(str(find_cases(lidc)[0][0].images[0]), sitk.sitkFloat64)[:, :, 14:18]
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for i, slope in enumerate((1.0, 0.25, 0.5, 1.25)):
        plane = volume[:, :, i] * slope
        tags = {"0020|000d": "1.2.3", "0020|000e": "1.2.3.4", "0008|0018": f"1.2.3.4.{i + 1}", "0008|0060": "PT"}
        tags |= {"0020|0032": f"0\\0\\{i}", "0020|0037": "1\\0\\0\\0\\1\\0", "0028|1052": "0", "0028|1053": str(slope)}
        tags |= {"0028|0100": "16", "0028|0101": "16", "0028|0102": "15", "0028|0103": "1"}  # stored as int16
        for tag, value in tags.items():
            plane.SetMetaData(tag, value)
        writer.SetFileName(str(tmp_path / f"{i}.dcm"))
        writer.Execute(plane)
    locale.setlocale(locale.LC_ALL, before)
    found = to_array(open_image(tmp_path))[0]
    expected = sitk.GetArrayFromImage(volume) * np.array([1.0, 0.25, 0.5, 1.25])[:, None, None]
    assert (expected % 1).any()
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("suffix", [".tif", ".jpg", ".png"])
def test_dots_per_inch_are_no_spacing(nuclei: Task, tmp_path: Path, suffix: str) -> None:
    case = find_cases(nuclei)[0][0]
    path = tmp_path / f"image{suffix}"
    Image.open(case.images[0]).save(path, dpi=(300, 300))
    assert load_case(nuclei, replace(case, images=(path,))).geometry.spacing == (1.0, 1.0)


def test_a_label_map_saved_in_colour(own: Path, nuclei: Task) -> None:
    """Three equal channels are what one would say, for every value: luma of 5, 5, 5 is 4.9999995."""
    task = replace(nuclei, root=own, classes=tuple("abcdefgh"))
    case = next(c for c in find_cases(task)[0] if isinstance(c.label, Path))
    assert isinstance(case.label, Path)
    grey = np.zeros(np.asarray(Image.open(case.label)).shape, np.uint8)
    grey[3:9, 4:20] = 5
    grey[10:12, 4:20] = 7
    Image.fromarray(np.stack([grey] * 3, -1)).save(case.label)
    label = load_case(task, case).label
    assert isinstance(label, np.ndarray)
    np.testing.assert_array_equal(label[0], grey)


def test_hippocampus_metaimage_is_the_nifti(shared: Path) -> None:
    folder = shared / "hippocampus_msd"
    layout = Pairs("Case??.mhd", "Case??_segmentation.mhd")
    classes = ("background", "anterior", "posterior")
    task = Task("h", folder / "mhd", layout, rank=3, patch=(32, 32, 32), classes=classes, split=Ratio(0.5, 0.25, 0.25))
    cases, problems = find_cases(task)
    assert len(cases) == 6 and not problems
    for item in load_cases(task, cases):
        assert isinstance(item.label, np.ndarray) and set(np.unique(item.label).tolist()) == {0, 1, 2}


def test_label_flipped_against_its_image(shared: Path) -> None:
    """TotalSegmentator's example: bones of the label map lie on bright voxels only if paired by world coordinates."""
    folder = shared / "totalseg_ct"
    classes = tuple(str(i) for i in range(118))
    task = Task("ts", folder, Listing(), rank=3, patch=(16, 64, 64), classes=classes, normalise="none")
    case = next(c for c in find_cases(task)[0] if c.id == "ct_dicom")
    loaded = load_case(task, case)
    assert isinstance(loaded.label, np.ndarray)
    bones = (loaded.label >= 25) & (loaded.label <= 50)
    raw = to_array(open_image(case.images[0]))
    assert loaded.image.shape == raw.shape
    assert loaded.image[bones].mean() > 100
