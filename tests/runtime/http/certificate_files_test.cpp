// Certificates in files: what is read, what is refused, and when a change counts.
#include "runtime/http/certificate_files.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "runtime/os/disk.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::http;
using namespace troupe::test;

namespace {

constexpr base::WallTime kMadeAt{std::chrono::hours{24 * 365 * 56}};  // in 2025
const std::vector<std::string> kNames{"localhost"};

/// A folder with room for a certificate and its key.
class PemFolder {
 public:
  PemFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "troupe-pem-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    disk = os::open_disk(path_).value();
  }
  ~PemFolder() { std::filesystem::remove_all(path_); }
  PemFolder(const PemFolder&) = delete;
  PemFolder& operator=(const PemFolder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + '/' + name; }
  std::string text(const std::string& name) const {
    std::ifstream in(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Replaces a file as other programs do: by its name, so that the inode changes.
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(*this / "new", std::ios::binary) << text;
    ::chmod((*this / "new").c_str(), 0600);
    std::filesystem::rename(*this / "new", *this / name);
  }
  base::Outcome<void> keep() { return keep_self_signed(*disk, "cert", "key", kNames, kMadeAt); }
  CertificateFiles files() const { return {*this / "cert", *this / "key"}; }

  std::unique_ptr<ports::Disk> disk;

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("certificate files: a missing pair is made once, for its owner only") {
  PemFolder folder;
  REQUIRE(folder.keep().ok());
  const std::string chain = folder.text("cert"), key = folder.text("key");
  CHECK(is_for(chain, "localhost"));
  for (const char* name : {"cert", "key"})
    CHECK((std::filesystem::status(folder / name).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  REQUIRE(folder.keep().ok());
  CHECK(folder.files().read().value() == Certificate{chain, key});
}

TEST_CASE("certificate files: a missing certificate is made with the key that is there") {
  PemFolder folder;
  REQUIRE(folder.keep().ok());
  const std::string chain = folder.text("cert"), key = folder.text("key");
  std::filesystem::remove(folder / "cert");
  REQUIRE(folder.keep().ok());
  CHECK(folder.text("key") == key);
  CHECK(folder.text("cert") != chain);
  CHECK(folder.files().read().ok());
}

TEST_CASE("certificate files: a broken pair is an error that names the file, and stays") {
  PemFolder folder;
  REQUIRE(folder.keep().ok());
  const std::string chain = folder.text("cert");
  SUBCASE("without its key") {
    std::filesystem::remove(folder / "key");
    const auto kept = folder.keep();
    REQUIRE_FALSE(kept.ok());
    CHECK(kept.error().code == base::Code::not_found);
    CHECK(contains(kept.error().message, "key is missing"));
  }
  SUBCASE("with an invalid key and no certificate") {
    folder.put("key", "none");
    std::filesystem::remove(folder / "cert");
    const auto kept = folder.keep();
    REQUIRE_FALSE(kept.ok());
    CHECK(kept.error().code == base::Code::malformed);
    CHECK(folder.text("key") == "none");
    return;
  }
  SUBCASE("with an invalid key") {
    folder.put("key", "none");
    REQUIRE(folder.keep().ok());
    const auto read = folder.files().read();
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == base::Code::malformed);
    CHECK(contains(read.error().message, folder / "cert"));
    CHECK(contains(read.error().message, folder / "key"));
    CHECK(folder.text("key") == "none");
  }
  CHECK(folder.text("cert") == chain);
}

TEST_CASE("certificate files: what cannot be used is an error that names the file") {
  PemFolder folder;
  REQUIRE(folder.keep().ok());
  std::string wrong = "key";
  base::Code code = base::Code::refused;
  SUBCASE("a missing certificate") {
    std::filesystem::remove(folder / (wrong = "cert"));
    code = base::Code::not_found;
  }
  SUBCASE("a missing key") {
    std::filesystem::remove(folder / "key");
    code = base::Code::not_found;
  }
  SUBCASE("a directory") {
    std::filesystem::remove(folder / "key");
    std::filesystem::create_directory(folder / "key");
  }
  SUBCASE("a key that other users may read") { REQUIRE(::chmod((folder / "key").c_str(), 0604) == 0); }
  SUBCASE("the key of another certificate") {
    folder.put("key", new_key());
    code = base::Code::malformed;
  }
  SUBCASE("a file that is too large") {
    folder.put(wrong = "cert", folder.text("cert") + std::string(kPemBytesMax, '\n'));
    code = base::Code::malformed;
  }
  const auto read = folder.files().read();
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == code);
  CHECK(contains(read.error().message, folder / wrong));
}

TEST_CASE("certificate files: a group may read the key, and a file may be a link") {
  PemFolder folder;
  REQUIRE(folder.keep().ok());
  REQUIRE(::chmod((folder / "key").c_str(), 0640) == 0);
  std::filesystem::rename(folder / "cert", folder / "cert-1");
  std::filesystem::create_symlink("cert-1", folder / "cert");
  CHECK(folder.files().read().ok());
}

TEST_CASE("certificate files: a change counts once both files have stayed as they are") {
  PemFolder folder;
  REQUIRE(folder.keep().ok());
  CertificateFiles files = folder.files();
  REQUIRE(files.read().ok());
  CHECK_FALSE(files.look());
  CHECK_FALSE(files.look());
  const std::string key = new_key();
  folder.put("key", key);
  CHECK_FALSE(files.look());
  folder.put("cert", self_signed(key, kNames, kMadeAt).value());
  CHECK_FALSE(files.look());
  CHECK(files.look());
  CHECK(files.look());  // until they are read
  REQUIRE(files.read().ok());
  CHECK_FALSE(files.look());
}

TEST_CASE("certificate files: invalid files count as one change, and so does their repair") {
  PemFolder folder;
  REQUIRE(folder.keep().ok());
  const std::string chain = folder.text("cert");
  CertificateFiles files = folder.files();
  REQUIRE(files.read().ok());
  SUBCASE("a file with other bytes") { folder.put("cert", "none"); }
  SUBCASE("no file") { std::filesystem::remove(folder / "cert"); }
  CHECK_FALSE(files.look());
  REQUIRE(files.look());
  CHECK_FALSE(files.read().ok());
  CHECK_FALSE(files.look());
  CHECK_FALSE(files.look());
  folder.put("cert", chain);
  CHECK_FALSE(files.look());
  REQUIRE(files.look());
  CHECK(files.read().ok());
}
