// check_floor.sh refuses a bundle that would not start elsewhere.

#include "tests/bundle/made_up_bundle.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// Makes folders with lib/, and with libraries that a compiler makes for them.
struct Built {
  test::TemporaryDirectory dir;
  fs::path root = dir / "bundle";
  bool has_compiler = test::run_command("command -v clang").exit_code == 0;

  Built() { fs::create_directories(root / "lib"); }

  void build(const fs::path& output, const std::string& code, const std::string& options) {
    write_file(dir / "code.c", code);
    const auto result = test::run_command(fmt::format("clang -shared -fPIC -nostdlib '{}' -o '{}' {}",
                                                      (dir / "code.c").string(), output.string(), options));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
  }

  // Makes lib/NAME ask the system's libc.so.6 for a symbol of the given version.
  void build_user_of(const std::string& version, const std::string& name) {
    write_file(dir / "versions", version + " { made_up; };\n");
    fs::create_directories(dir / "system");
    build(dir / "system/libc.so.6", "void made_up(void) {}",
          fmt::format("-Wl,-soname,libc.so.6 -Wl,--version-script='{}'", (dir / "versions").string()));
    build(root / "lib" / name, "void made_up(void); void use(void) { made_up(); }",
          "'" + (dir / "system/libc.so.6").string() + "'");
  }

  test::CommandResult check(const std::string& floor = "2.36") const {
    return test::run_command(
        fmt::format("'{}' '{}' {}", (test::scripts() / "check_floor.sh").string(), root.string(), floor));
  }
};

}  // namespace

TEST_CASE("a file that needs a newer glibc than the floor is named, with the version", "[cpu]") {
  Built built;
  if (!built.has_compiler) return test::skip("no clang on this machine");
  built.build_user_of("GLIBC_2.36", "libold.so");
  const auto fine = built.check();
  INFO(fine.err);
  REQUIRE(fine.exit_code == 0);
  REQUIRE_THAT(fine.out, Contains("1 ELF files"));

  built.build_user_of("GLIBC_2.99", "libnew.so");
  const auto refused = built.check();
  REQUIRE(refused.exit_code == 1);
  REQUIRE_THAT(refused.err, Contains("lib/libnew.so needs GLIBC_2.99 of libc.so.6") && !Contains("libold.so"));
  REQUIRE(built.check("2.100").exit_code == 0);
  REQUIRE_THAT(built.check("2.4").err, Contains("libold.so needs GLIBC_2.36"));
}

TEST_CASE("a symbol that glibc keeps to itself is refused", "[cpu]") {
  Built built;
  if (!built.has_compiler) return test::skip("no clang on this machine");
  built.build_user_of("GLIBC_PRIVATE", "libprivate.so");
  REQUIRE_THAT(built.check().err, Contains("libprivate.so needs GLIBC_PRIVATE"));
}

TEST_CASE("a library that is neither in the bundle, nor the system's, nor LibTorch's is refused, and any libgomp",
          "[cpu]") {
  Built built;
  if (!built.has_compiler) return test::skip("no clang on this machine");
  const auto user_of = [&](const std::string& library) {
    fs::create_directories(built.dir / "system");
    const fs::path path = built.dir / "system" / library;
    built.build(path, "void made_up(void) {}", "-Wl,-soname," + library);
    built.build(built.root / "lib/libuser.so", "void made_up(void); void use(void) { made_up(); }",
                "'" + path.string() + "'");
  };
  user_of("libm.so.6");
  REQUIRE(built.check().exit_code == 0);
  user_of("libtorch_cpu.so");
  REQUIRE(built.check().exit_code == 0);
  fs::create_directories(built.root / "bin");
  fs::copy_file(built.root / "lib/libuser.so", built.root / "bin/plan");
  REQUIRE_THAT(built.check().err, Contains("bin/plan needs LibTorch"));
  fs::remove(built.root / "bin/plan");
  user_of("libcudart.so.13");
  REQUIRE(built.check().exit_code == 0);
  user_of("libcurl.so.4");
  REQUIRE_THAT(built.check().err, Contains("lib/libuser.so needs libcurl.so.4, which is not in lib/"));
  fs::copy_file(built.dir / "system/libcurl.so.4", built.root / "lib/libcurl.so.4");
  REQUIRE(built.check().exit_code == 0);
  user_of("libgomp.so.1");
  fs::copy_file(built.dir / "system/libgomp.so.1", built.root / "lib/libgomp.so.1");
  const auto refused = built.check();
  REQUIRE(refused.exit_code == 1);
  REQUIRE_THAT(refused.err,
               Contains("lib/libuser.so needs libgomp.so.1 itself") && Contains("lib/libgomp.so.1 is bundled"));
}

TEST_CASE("a folder without programs is no bundle", "[cpu]") {
  Built built;
  write_file(built.root / "lib/readme.txt", "nothing");
  REQUIRE(built.check().exit_code == 1);
}
