// These scripts go into a bundle: what finds LibTorch, the wheel, and check.sh's bookkeeping.

#include "common/base/text.h"
#include "tests/bundle/made_up_bundle.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

struct Bundle {
  test::TemporaryDirectory dir;
  fs::path root = dir / "a bundle";  // with a blank in its name

  explicit Bundle(const std::string& flavour) { test::make_up_bundle(root, flavour); }

  test::CommandResult check(const std::string& options, const std::string& environment = "") const {
    return test::run_command(fmt::format("cd '{}' && {} bash '{}' --output report {}", dir.path().string(), environment,
                                         (root / "tests/gpu/check.sh").string(), options));
  }
  std::string report(const char* name) const { return read_file(dir / "report" / name); }
};

}  // namespace

TEST_CASE("a program beside LibTorch says what is wrong with TORCH_ROOT and what to do, and ends with 2", "[cpu]") {
  const Bundle bundle("cpu");
  test::write_script(bundle.root / "libexec/stage1_classify", "echo \"$1 with $LD_LIBRARY_PATH\"\n");
  const fs::path torch = bundle.dir / "site/torch";
  const auto run = [&](const std::string& environment) {
    return test::run_command(fmt::format("unset TORCH_ROOT LD_LIBRARY_PATH; {} '{}' stage1_classify --go", environment,
                                         (bundle.root / "libexec/beside_torch").string()));
  };
  const std::string named = fmt::format("TORCH_ROOT='{}'", torch.string());
  const auto refused = [&](const std::string& environment, const std::string& reason) {
    const auto result = run(environment);
    INFO(result.err);
    REQUIRE(result.exit_code == 2);
    REQUIRE_THAT(result.err, Contains("stage1_classify: " + reason) && Contains("export TORCH_ROOT="));
  };
  refused("", "TORCH_ROOT is not set");
  refused(named, fmt::format("TORCH_ROOT={}: no such folder", torch.string()));
  fs::create_directories(torch / "lib");
  refused(named, fmt::format("TORCH_ROOT={} has no lib/libtorch_cpu.so", torch.string()));
  write_file(torch / "lib/libtorch_cpu.so", "");
  write_file(torch / "version.py", "__all__ = []\n__version__ = '2.12.1+cu130'\ndebug = False\n");
  refused(named,
          fmt::format("TORCH_ROOT={} is version 2.12.1+cu130, and this boxseg was built for 2.11", torch.string()));
  write_file(torch / "version.py", "__version__ = '2.110.0'\n");
  refused(named, fmt::format("TORCH_ROOT={} is version 2.110.0", torch.string()));

  write_file(torch / "version.py", "__version__ = '2.11.0+cu130'\n");
  fs::create_directories(bundle.dir / "site/nvidia/cu13/lib");
  const auto fine = run(named);
  INFO(fine.err);
  REQUIRE(fine.exit_code == 0);
  REQUIRE(fine.out == fmt::format("--go with {0}/torch/lib:{0}/nvidia/cu13/lib\n", (bundle.dir / "site").string()));
}

TEST_CASE("check.sh without a card skips the card's steps with a reason, counts them, and goes on after a failure",
          "[cpu]") {
  const Bundle bundle("cpu");
  const auto result = bundle.check("--only versions,steps,golden", "TORCH_ROOT=/nowhere");
  INFO(result.out << result.err);
  REQUIRE(result.exit_code == 1);  // asks for versions, but there is no program
  const std::string text = bundle.report("report.md"), json = bundle.report("report.json");
  REQUIRE_THAT(text, Contains("| versions | failed |") && Contains("| steps/1-exact | skipped |") &&
                         Contains("| this bundle is for CPUs |") && Contains("| golden/nn | skipped |") &&
                         Contains("| no --shared with golden data |"));
  REQUIRE_THAT(text, Contains("0 ok, 1 failed, 7 skipped"));
  REQUIRE_THAT(json, Contains("\"failed\": 1, \"skipped\": 7") &&
                         Contains("{\"step\": \"steps/3-fast\", \"state\": \"skipped\""));
}

TEST_CASE("check.sh starts nothing that the budget cannot hold, ends what takes too long, and refuses unknown words",
          "[cpu]") {
  const Bundle bundle("cpu");
  const auto none = bundle.check("--budget 0");
  INFO(none.out << none.err);
  REQUIRE(none.exit_code == 0);
  REQUIRE_THAT(bundle.report("report.md"), Contains("| versions | skipped | 0 | 0 s are left of the budget"));

  test::write_script(bundle.root / "libexec/beside_torch", "sleep 60\n");
  const auto slow = bundle.check("--only versions --budget 3", "TORCH_ROOT=/nowhere");
  REQUIRE(slow.exit_code == 1);
  REQUIRE_THAT(bundle.report("report.md"), Contains("| versions | failed | ") && Contains(" | not done after 3 s"));

  const auto unknown = bundle.check("--only tiny,speed");
  REQUIRE(unknown.exit_code == 2);
  REQUIRE_THAT(unknown.err, Contains("--only speed: no such step") && Contains(" peers "));
  REQUIRE(bundle.check("--shared /no/such/folder").exit_code == 2);
  REQUIRE(bundle.check("--fast").exit_code == 2);
}

TEST_CASE("a wheel holds the bundle with its executable bits, scripts for its programs, and digests of all", "[cpu]") {
  if (test::run_command("command -v python3").exit_code != 0) return test::skip("no python3 on this machine");
  for (const std::string flavour : {"cpu", "cuda"}) {
    const Bundle bundle(flavour);
    test::write_script(bundle.root / "bin/prepare", "echo ran prepare \"$@\"\n");
    test::write_script(bundle.root / "bin/stage1_classify", "echo ran stage1_classify beside \"$TORCH_ROOT\"\n");
    test::write_script(bundle.root / "libexec/stage1_classify", "true\n");
    const auto made =
        test::run_command(fmt::format("python3 '{}' '{}' '{}'", (test::scripts() / "make_wheel.py").string(),
                                      bundle.root.string(), bundle.dir.path().string()));
    INFO(made.out << made.err);
    REQUIRE(made.exit_code == 0);
    const std::string local = flavour == "cuda" ? "+cu13" : "";
    const fs::path wheel = bundle.dir / ("boxseg-1.2.3" + local + "-py3-none-manylinux_2_36_x86_64.whl");
    REQUIRE(fs::exists(wheel));

    write_file(bundle.dir / "look.py", R"(import base64, hashlib, os, subprocess, sys, zipfile
wheel, folder = sys.argv[1:]
file = zipfile.ZipFile(wheel)
record = next(name for name in file.namelist() if name.endswith('RECORD'))
listed = dict(line.split(',', 1) for line in file.read(record).decode().splitlines())
assert sorted(listed) == sorted(file.namelist())
for name, rest in listed.items():
    if name != record:
        found = base64.urlsafe_b64encode(hashlib.sha256(file.read(name)).digest()).rstrip(b'=').decode()
        assert rest == f'sha256={found},{len(file.read(name))}', name
    target = os.path.join(folder, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    open(target, 'wb').write(file.read(name))
    os.chmod(target, file.getinfo(name).external_attr >> 16)
print(file.read(record.replace('RECORD', 'entry_points.txt')).decode())
)");
    const auto looked = test::run_command(fmt::format("python3 '{}' '{}' '{}'", (bundle.dir / "look.py").string(),
                                                      wheel.string(), (bundle.dir / "site").string()));
    INFO(looked.err);
    REQUIRE(looked.exit_code == 0);
    REQUIRE_THAT(looked.out,
                 Contains("[console_scripts]\nprepare = boxseg:prepare\nstage1_classify = boxseg:stage1_classify\n"));

    // This calls a program as the console script does.
    const auto call = [&](const std::string& program) {
      return test::run_command(
          fmt::format("unset TORCH_ROOT; cd '{}' && python3 -S -c 'import sys; sys.argv[1:] = [\"--go\"]; from boxseg "
                      "import {}; {}()'",
                      (bundle.dir / "site").string(), program, program));
    };
    REQUIRE(call("prepare").out == "ran prepare --go\n");
    const auto without = call("stage1_classify");
    REQUIRE(without.exit_code == 2);
    REQUIRE_THAT(without.err,
                 Contains("stage1_classify: PyTorch is not installed") && Contains("pip install torch==2.11.0"));
    write_file(bundle.dir / "site/torch/__init__.py", "raise SystemExit('it must not be imported')\n");
    REQUIRE(call("stage1_classify").out ==
            fmt::format("ran stage1_classify beside {}\n", (bundle.dir / "site/torch").string()));
  }
}
