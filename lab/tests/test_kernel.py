# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel is built from and known by. (That it builds and boots is shown by every run on a virtual host.)"""

import os
from pathlib import Path

import pytest

from lab import kernel, ksrc, modules, toolbox
from lab.arch import ARCHES, Arch
from lab.errors import LabError, UsageError
from lab.toolbox import Toolbox

BOX = Toolbox(Path("/nonexistent"), "key", {}, {})
SOURCE = ksrc.Source("linux", Path("/nonexistent"), ("package", "linux-1"))


def test_of_two_lines_for_a_symbol_the_later_stays(tmp_path: Path) -> None:
    fragment = tmp_path / "fragment"
    fragment.write_text("# a comment\nCONFIG_VFIO=m\n# CONFIG_NET is not set\n")
    lines = kernel.Recipe(BOX, SOURCE, [fragment]).lines
    assert "CONFIG_VFIO=m" in lines and "CONFIG_VFIO=y" not in lines
    assert "# CONFIG_NET is not set" in lines and "CONFIG_NET=y" not in lines


def test_a_line_may_be_for_newer_kernels(tmp_path: Path) -> None:
    fragment = tmp_path / "fragment"
    fragment.write_text("CONFIG_NEW=y  # since 7.0\n# CONFIG_NET is not set\n")
    recipe = kernel.Recipe(BOX, SOURCE, [fragment])
    assert "CONFIG_NEW=y" in recipe.lines_for((7, 0)) and "CONFIG_NEW=y" in recipe.lines_for((10, 1))
    older = recipe.lines_for((6, 12))
    assert not any("CONFIG_NEW" in line for line in older) and {"CONFIG_VFIO=y", "# CONFIG_NET is not set"} <= set(older)


@pytest.mark.parametrize("arch", ARCHES.values(), ids=ARCHES)
def test_every_architecture_has_what_it_needs(arch: Arch) -> None:
    assert arch.toolbox in toolbox.PROFILES and arch.emulator in toolbox.PROFILES[arch.toolbox]
    assert any(line.startswith("CONFIG_SERIAL_") for line in kernel.Recipe(BOX, SOURCE, [], arch).lines)


def test_everything_that_goes_in_is_in_the_key(tmp_path: Path) -> None:
    fragment = tmp_path / "fragment"
    fragment.write_text("CONFIG_KASAN=y\n")
    keys = {
        kernel.Recipe(BOX, SOURCE, []).key(),
        kernel.Recipe(BOX, SOURCE, [fragment]).key(),
        kernel.Recipe(Toolbox(BOX.tree, "other", {}, {}), SOURCE, []).key(),
        kernel.Recipe(BOX, ksrc.Source("linux", SOURCE.tree, ("package", "linux-2")), []).key(),
    }
    assert len(keys) == 4


def test_a_kernel_with_modules_is_also_known_by_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fragment = tmp_path / "fragment"
    fragment.write_text("CONFIG_MODULES=y\n")
    plain, modular = kernel.Recipe(BOX, SOURCE, []), kernel.Recipe(BOX, SOURCE, [fragment])
    before = modular.key(), modular.kernel_key()
    assert plain.kernel_key() == plain.key() and before[0] != before[1]
    monkeypatch.setattr(modules, "FIXTURES", tmp_path)
    for module in modules.MODULES:
        (tmp_path / module.folder).mkdir()
        (tmp_path / module.folder / "Kbuild").touch()
    assert modular.key() == before[0] and modular.kernel_key() != before[1]


@pytest.mark.parametrize(("config", "version", "names"), [
    ("CONFIG_PCI=y\nCONFIG_VFIO_MDEV=m\n", (7, 3), ["cts_hold", "cts_mdev"]),
    ("CONFIG_A=m\nCONFIG_VFIO_MDEV=y\n", (6, 19), ["cts_mdev"]),
    ("CONFIG_PCI=y\nCONFIG_VFIO_MDEV=m\n", (6, 18), ["cts_hold"]),
    ("CONFIG_PCI=y\n# CONFIG_VFIO_MDEV is not set\nCONFIG_A=m\n", (7, 3), ["cts_hold"]),
    ("CONFIG_PCI=y\nCONFIG_VFIO_MDEV=y\n", (7, 3), []),
])
def test_which_kernels_have_which_of_our_modules(config: str, version: tuple[int, int], names: list[str]) -> None:
    assert [module.name for module in modules.ours(config, version)] == names


def test_a_missing_fragment_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="--config .*nowhere: no such file"):
        kernel.Recipe(BOX, SOURCE, [tmp_path / "nowhere"])


def test_a_fragment_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "fragment").write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match="--config .*fragment: .*can't decode"):
        kernel.Recipe(BOX, SOURCE, [tmp_path / "fragment"])


def test_a_tree_that_was_built_in_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "drivers/vfio").mkdir(parents=True)
    (tmp_path / "Kbuild").touch()
    assert ksrc.of_folder(tmp_path).editable
    (tmp_path / ".config").touch()
    with pytest.raises(LabError, match="mrproper"):
        ksrc.of_folder(tmp_path)


@pytest.mark.parametrize("spec", ["nowhere", "6", "v6.12"])
def test_a_source_that_is_none_is_named(spec: str) -> None:
    with pytest.raises(LabError, match=spec):
        ksrc.find(spec)


def test_what_was_patched_before_the_seed_was_built_is_built_again(tmp_path: Path) -> None:
    """make goes by time; of a tree that is a copy by links only what was patched has one name."""
    plain, patched = tmp_path / "plain", tmp_path / "patched"
    plain.mkdir()
    patched.mkdir()
    for name in ("same.c", "other.c"):
        (plain / name).write_text("plain")
        os.link(plain / name, patched / name)
    (patched / "other.c").unlink()
    (patched / "other.c").write_text("patched")
    for path in (plain / "same.c", patched / "other.c"):
        os.utime(path, (1000, 1000))
    ksrc.Source("linux", patched, ("package", "linux-1")).renew_patched()
    assert (patched / "other.c").stat().st_mtime == 1000
    ksrc.Source("linux", patched, ("package", "linux-1", "digest of a patch")).renew_patched()
    assert (patched / "other.c").stat().st_mtime > 1000 == (patched / "same.c").stat().st_mtime


def test_what_a_killed_make_has_made_is_removed(tmp_path: Path) -> None:
    """But for include/config, which says what changed since."""
    (tmp_path / "include/config").mkdir(parents=True)
    (tmp_path / "old.o").touch()
    os.utime(tmp_path / "old.o", (1000, 1000))
    with pytest.raises(KeyboardInterrupt), kernel._building(tmp_path):
        os.utime(tmp_path / kernel.BUILDING, (2000, 2000))
        for name in ("half.o", "include/config/VFIO"):
            (tmp_path / name).touch()
        raise KeyboardInterrupt
    with pytest.raises(kernel.BuildError, match="no semicolon\n.*whole log"), kernel._building(tmp_path):
        assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"old.o", "VFIO", kernel.BUILDING}
        (tmp_path / "new.o").touch()
        raise kernel.BuildError(["no semicolon"], tmp_path)
    with kernel._building(tmp_path):
        assert (tmp_path / "new.o").exists()
    assert (tmp_path / kernel.BUILT).exists() and not (tmp_path / kernel.BUILDING).exists()


def test_revisions_share_a_build_tree_and_no_kernel() -> None:
    def recipe(*identity: str) -> kernel.Recipe:
        return kernel.Recipe(BOX, ksrc.Source("linux", SOURCE.tree, ("git", *identity), check_out=lambda: None), [])

    one, two, other = recipe("linux", "v1"), recipe("linux", "v2"), recipe("elsewhere", "v1")
    assert one.out() == two.out() != other.out() and len({one.key(), two.key(), other.key()}) == 3


def test_a_kconfig_that_changed_is_noticed(tmp_path: Path) -> None:
    tree, configured = tmp_path / "tree", tmp_path / "configured"
    (tree / "drivers").mkdir(parents=True)
    for name in ("Kconfig", "main.c"):
        (tree / "drivers" / name).touch()
    assert not kernel._has_newer_kconfig(tree, configured)
    configured.touch()
    os.utime(tree / "drivers/Kconfig", (1000, 1000))
    os.utime(tree / "drivers/main.c", (1 << 32, 1 << 32))
    assert not kernel._has_newer_kconfig(tree, configured)
    os.utime(tree / "drivers/Kconfig", (1 << 32, 1 << 32))
    assert kernel._has_newer_kconfig(tree, configured)
