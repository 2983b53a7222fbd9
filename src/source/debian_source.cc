#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <regex>

#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "source/boot_loader.h"
#include "source/mmdebstrap_output.h"
#include "source/repositories.h"
#include "source/root_files.h"
#include "source/source.h"

namespace hallmark::source {

namespace {

/// What a machine needs to boot, be reached, get an address and be updated.
constexpr std::array kPackages = {"linux-image-cloud-amd64",
                                  "initramfs-tools",
                                  "zstd",
                                  "systemd-sysv",
                                  "udev",
                                  "dbus",
                                  "iproute2",
                                  "systemd-resolved",
                                  "qemu-guest-agent",
                                  "openssh-server",
                                  "ca-certificates"};

constexpr std::string_view kKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
constexpr std::string_view kGrubImages = "/usr/lib/grub/i386-pc";
constexpr std::string_view kSystemPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The packages unpacked, the disk and its compressed form took 860 MiB at the worst moment.
constexpr std::uint64_t kNeededBytes = 1ull << 30;
/// A smaller disk has no room for the packages and one kernel update.
constexpr std::uint64_t kSmallestDiskBytes = 1ull << 30;

/// Programs run as the owner of the files they make: as root itself, or as root of a user namespace
/// in which we are root and our subordinate ids are everybody else. Own mount and process
/// namespaces besides, so that no mount and no daemon outlives them.
class Namespaces {
 public:
  explicit Namespaces(std::stop_token stop) : stop_(std::move(stop)) {
    prefix_ = {"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"};
    std::string hint = "this needs the right to mount: in a container, run it privileged";
    if (::geteuid() != 0) {
      prefix_.insert(prefix_.begin() + 1, {"--user", "--map-root-user", "--map-auto"});
      hint =
          "as root: apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids "
          "100000-165535 <you>; and user namespaces must be allowed; or run this as root";
      if (!find_program("newuidmap")) {
        throw Error(ErrorKind::denied, "an ordinary user needs newuidmap to make a source image")
            .hint(hint);
      }
    }
    ProcessResult probe = run_process(command({"true"}), stop_);
    if (probe.exit_code != 0) {
      throw Error(ErrorKind::denied, "cannot enter namespaces of its own: {}", trim(probe.err))
          .hint(hint);
    }
  }

  ProcessSpec command(const std::vector<std::string>& argv) const {
    ProcessSpec spec;
    spec.argv = prefix_;
    spec.argv.insert(spec.argv.end(), argv.begin(), argv.end());
    const char* path = std::getenv("PATH");
    spec.environment = {{"PATH", (path != nullptr ? std::string(path) + ":" : std::string()) +
                                     std::string(kSystemPath)},
                        {"LC_ALL", "C.UTF-8"}};
    return spec;
  }

  void run(const std::vector<std::string>& argv) const { check_process(command(argv), stop_); }

  std::stop_token stop() const { return stop_; }

 private:
  std::vector<std::string> prefix_;
  std::stop_token stop_;
};

/// A working directory whose content may belong to subordinate ids.
class Workshop {
 public:
  Workshop(const Path& beside, const Namespaces& namespaces)
      : directory_(beside), namespaces_(namespaces) {
    // apt downloads as its own user, who has to pass through.
    std::filesystem::permissions(directory_.path(), std::filesystem::perms::owner_all |
                                                        std::filesystem::perms::group_exec |
                                                        std::filesystem::perms::others_exec);
  }
  ~Workshop() {
    // Not stopped by our stop token: this is the way out after a stop.
    try {
      run_process(namespaces_.command({"rm", "-rf", "--one-file-system", root().string()}));
    } catch (...) {
    }
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  Path root() const { return directory_.path() / "root"; }
  Path early() const { return directory_.path() / "early"; }
  Path raw_disk() const { return directory_.path() / "disk.raw"; }
  Path disk() const { return directory_.path() / "disk.qcow2"; }
  Path file(const char* name) const { return directory_.path() / name; }

 private:
  TempDir directory_;
  const Namespaces& namespaces_;
};

void check_spec(const DebianSourceSpec& spec) {
  static const std::regex kReleaseName("[a-z][a-z0-9.-]*");
  static const std::regex kPackageName("[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?");
  if (!std::regex_match(spec.release, kReleaseName)) {
    throw Error(ErrorKind::usage, "\"{}\" is not the code name of a release", spec.release)
        .hint("for example bookworm");
  }
  if (spec.architecture != "amd64") {
    throw Error(ErrorKind::usage, "cannot make source images for {}, only for amd64",
                spec.architecture);
  }
  for (const std::string& package : spec.extra_packages) {
    if (!std::regex_match(package, kPackageName)) {
      throw Error(ErrorKind::usage, "\"{}\" is not a package name", package);
    }
  }
  if (spec.disk_size_bytes < kSmallestDiskBytes || spec.disk_size_bytes % (1 << 20) != 0) {
    throw Error(ErrorKind::usage, "a disk of {} is not possible", format_size(spec.disk_size_bytes))
        .hint("give whole MiB, at least " + format_size(kSmallestDiskBytes));
  }
  if (spec.output.empty()) throw Error(ErrorKind::usage, "no output file given");
  if (std::filesystem::exists(std::filesystem::symlink_status(spec.output))) {
    throw Error(ErrorKind::conflict, "{} exists already", spec.output.string())
        .hint("remove it first, or give another name");
  }
}

void check_tools() {
  for (const char* program :
       {"mmdebstrap", "unshare", "sfdisk", "mke2fs", "grub-mkimage", "qemu-img"}) {
    bool found = find_program(program).has_value();
    for (const char* directory : {"/usr/sbin/", "/sbin/"}) {
      found = found || find_program(directory + std::string(program)).has_value();
    }
    if (!found) {
      throw Error(ErrorKind::not_found, "the program {} is not installed", program)
          .hint("scripts/setup installs all that Hallmark needs on Debian 12");
    }
  }
  for (std::string_view file : {kKeyring, std::string_view("/usr/lib/grub/i386-pc/boot.img")}) {
    if (!std::filesystem::exists(file)) {
      throw Error(ErrorKind::not_found, "{} is missing", file)
          .hint("scripts/setup installs all that Hallmark needs on Debian 12");
    }
  }
}

void check_room(const Path& directory) {
  struct statvfs room {};
  if (::statvfs(directory.c_str(), &room) != 0) {
    throw_errno(errno, "cannot use directory " + directory.string());
  }
  std::uint64_t free_bytes = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  if (free_bytes < kNeededBytes) {
    throw Error(ErrorKind::unavailable, "{} has {} free, making a source image takes {}",
                directory.string(), format_size(free_bytes), format_size(kNeededBytes))
        .hint("free some space on that file system and try again");
  }
}

void install_packages(const DebianSourceSpec& spec, const Repositories& repositories,
                      const Workshop& workshop, const Namespaces& namespaces,
                      const Progress& progress) {
  write_root_files(workshop.early(), early_root_files());
  std::vector<std::string> packages(kPackages.begin(), kPackages.end());
  packages.insert(packages.end(), spec.extra_packages.begin(), spec.extra_packages.end());
  std::vector<std::string> argv = {
      "mmdebstrap",
      "--mode=root",
      "--format=directory",
      "--variant=minbase",
      "--architectures=" + spec.architecture,
      "--keyring=" + std::string(kKeyring),
      // The tree is thrown away if the machine goes down meanwhile: no need to sync each file.
      "--dpkgopt=force-unsafe-io",
      "--aptopt=Acquire::Languages \"none\"",
      "--aptopt=Acquire::Retries \"3\"",
      "--setup-hook=cp -R " + shell_quote(workshop.early().string()) + "/. \"$1\"",
      "--include=" + join(packages, ","),
  };
  if (repositories.release.url.starts_with("file:")) {
    argv.push_back("--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount");
  }
  argv.insert(argv.end(), {spec.release, workshop.root().string(),
                           fmt::format("deb {} {} main", repositories.release.url, spec.release)});
  ProcessSpec process = namespaces.command(argv);
  MmdebstrapOutput output;
  // What it says is the only progress it shows when it is not on a terminal.
  process.on_output = [&](std::string_view piece) {
    for (const MmdebstrapOutput::Stage& stage : output.add(piece)) {
      if (progress) progress(stage.fraction * 0.7, stage.text);
    }
  };
  ProcessResult result = run_process(process, namespaces.stop());
  if (result.exit_code != 0) throw explain_mmdebstrap(result.err, repositories.release.url);
}

std::string read_first_sector(const Path& file) {
  std::string sector(kSectorBytes, '\0');
  FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd ||
      ::pread(fd.get(), sector.data(), sector.size(), 0) != static_cast<ssize_t>(sector.size())) {
    throw_errno(errno, "cannot read " + file.string());
  }
  return sector;
}

void write_at(const Path& file, std::uint64_t sector, const std::string& bytes) {
  FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd ||
      ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(sector * kSectorBytes)) !=
          static_cast<ssize_t>(bytes.size())) {
    throw_errno(errno, "cannot write " + file.string());
  }
}

void make_disk(std::uint64_t size_bytes, const Workshop& workshop, const Namespaces& namespaces) {
  FileDescriptor fd(
      ::open(workshop.raw_disk().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) {
    throw_errno(errno, "cannot make " + workshop.raw_disk().string());
  }
  fd.reset();
  ProcessSpec partition = namespaces.command({"sfdisk", "-q", workshop.raw_disk()});
  partition.stdin_text = partition_script();
  check_process(partition, namespaces.stop());
  namespaces.run({"mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", workshop.root(), "-E",
                  // The file is sparse, so the inode tables read as zeros already and the guest
                  // need not clear them behind its first boot.
                  fmt::format("offset={},lazy_itable_init=0,assume_storage_prezeroed=1",
                              kRootSector * kSectorBytes),
                  workshop.raw_disk(), fmt::format("{}k", root_size_bytes(size_bytes) / 1024)});
}

void install_boot_loader(const Workshop& workshop, const Namespaces& namespaces) {
  write_file(workshop.file("early.cfg"), early_grub_config());
  namespaces.run({"grub-mkimage", "-O", "i386-pc", "-p", "/boot/grub", "-c",
                  workshop.file("early.cfg"), "-o", workshop.file("core.img"), "biosdisk",
                  "part_gpt", "ext2", "search", "search_label", "linux", "normal", "configfile"});
  write_at(workshop.raw_disk(), kBiosBootSector,
           place_core_image(read_file(workshop.file("core.img")), kBiosBootSector));
  write_at(workshop.raw_disk(), 0,
           place_boot_sector(read_file(Path(kGrubImages) / "boot.img"),
                             read_first_sector(workshop.raw_disk()), kBiosBootSector));
}

/// Moves it to its final name unless somebody made a file of that name meanwhile.
void deliver(const Path& made, const Path& output) {
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, output.c_str(), RENAME_NOREPLACE) != 0) {
    throw_errno(errno, "cannot make " + output.string());
  }
}

}  // namespace

void make_debian_source(const DebianSourceSpec& spec, const Progress& progress,
                        std::stop_token stop) {
  auto tell = [&progress](double fraction, const std::string& text) {
    if (progress) progress(fraction, text);
  };
  check_spec(spec);
  check_tools();
  Repositories repositories =
      choose_repositories(apt::read_sources(spec.apt_directory), spec.release);
  if (!repositories.security) {
    tell(0, "this machine's apt configuration names no " + spec.release +
                "-security: machines made from the image will get no security updates");
  }
  Path output = std::filesystem::absolute(spec.output);
  make_directories(output.parent_path());
  check_room(output.parent_path());
  Namespaces namespaces(stop);
  Workshop workshop(output.parent_path(), namespaces);
  try {
    install_packages(spec, repositories, workshop, namespaces, progress);
    remove_root_files(workshop.root(), unwanted_root_files());
    write_root_files(workshop.root(), final_root_files(image_sources_list(repositories)));
    tell(0.72, "making the disk");
    make_disk(spec.disk_size_bytes, workshop, namespaces);
    install_boot_loader(workshop, namespaces);
    tell(0.8, "compressing the disk");
    namespaces.run({"qemu-img", "convert", "-c", "-m", "4", "-f", "raw", "-O", "qcow2", "-o",
                    "compression_type=zstd", workshop.raw_disk(), workshop.disk()});
    deliver(workshop.disk(), output);
  } catch (Error& e) {
    if (e.kind() == ErrorKind::failed && e.message().find("No space left") != std::string::npos) {
      throw Error(ErrorKind::unavailable, "the disk is full: {}", e.message())
          .hint("free some space on the file system of " + output.parent_path().string());
    }
    throw;
  }
  tell(1, "made " + output.string());
}

}  // namespace hallmark::source
