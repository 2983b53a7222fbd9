#include "cloud/libvirt/domain.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/sync.h"
#include "base/text.h"

namespace hallmark::cloud::libvirt {
namespace {

using namespace std::chrono_literals;

// What the embedded driver needs to work as root on a host where no libvirt daemon is set up.
constexpr std::string_view kRootConfiguration = R"(stdio_handler = "file"
user = "root"
group = "root"
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
)";
constexpr std::string_view kUserConfiguration = R"(stdio_handler = "file"
security_driver = "none"
)";

std::string xml_escaped(std::string text) {
  text = replace_all(std::move(text), "&", "&amp;");
  text = replace_all(std::move(text), "<", "&lt;");
  text = replace_all(std::move(text), "'", "&apos;");
  return text;
}

std::string last_words() {
  virErrorPtr error = virGetLastError();
  return error != nullptr && error->message != nullptr ? error->message : "no reason given";
}

[[noreturn]] void throw_unavailable(const std::string& doing) {
  throw Error(ErrorKind::unavailable, "{}: {}", doing, last_words());
}

/// libvirt delivers events only while somebody runs its loop. One per process, for good: it cannot
/// be stopped safely, and the guard ends with its process.
void start_event_loop() {
  static std::once_flag once;
  std::call_once(once, [] {
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
    if (virEventRegisterDefaultImpl() != 0) throw_unavailable("cannot start libvirt's event loop");
    std::thread([] {
      while (virEventRunDefaultImpl() == 0) {
      }
    }).detach();
  });
}

/// Also the directories: libvirt makes them, but not a shared cache. Asking QEMU what it can do
/// takes seconds and is the same for each machine.
std::string prepare_embedded(const MachineRecord& record) {
  Path root = record.runtime_directory;
  bool privileged = ::geteuid() == 0;
  make_directories(root, 0700);
  Path cache = root.parent_path() / "cache";
  make_directories(cache, 0700);
  std::error_code exists;
  std::filesystem::create_directory_symlink(cache, root / "cache", exists);
  write_file(root / "etc" / "qemu.conf", privileged ? kRootConfiguration : kUserConfiguration);
  return "qemu:///embed?root=" + root.string();
}

}  // namespace

bool kvm_works() {
  if (::access("/dev/kvm", R_OK | W_OK) != 0) return false;
  std::string boot_id(trim(read_file("/proc/sys/kernel/random/boot_id")));
  Path known = fmt::format("{}/hallmark-kvm-{}-{}", ::access("/run", W_OK) == 0 ? "/run" : "/tmp",
                           boot_id, ::geteuid());
  if (std::optional<std::string> answer = read_file_if_exists(known)) return *answer == "yes\n";
  ProcessResult result =
      run_process({.argv = {"qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "16",
                            "-nodefaults", "-display", "none", "-S", "-qmp", "stdio"},
                   .stdin_text = "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n",
                   .time_limit = 20s});
  bool works = result.exit_code == 0;
  if (!works) log_info("no KVM, machines run under emulation: {}", trim(result.err));
  write_file(known, works ? "yes\n" : "no\n", 0600);
  return works;
}

void provide_driver_user(const MachineRecord& record) {
  constexpr const char* kUser = "libvirt-qemu";
  if (!record.uri.empty() || ::geteuid() != 0 || ::getpwnam(kUser) != nullptr) return;
  bool possible = ::unshare(CLONE_NEWNS) == 0 &&
                  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  constexpr std::array<std::pair<const char*, const char*>, 2> kLines{{
      {"passwd", ":x:65534:65534::/nonexistent:/usr/sbin/nologin\n"},
      {"group", ":x:65534:\n"},
  }};
  for (const auto& [name, rest] : kLines) {
    Path real = Path("/etc") / name;
    Path ours = record.runtime_directory / "etc" / name;
    write_file(ours, read_file(real) + kUser + rest);
    possible = possible && ::mount(ours.c_str(), real.c_str(), nullptr, MS_BIND, nullptr) == 0;
  }
  if (possible) return;
  throw Error(ErrorKind::denied, "libvirt's embedded driver needs the user {}", kUser)
      .hint("make it: useradd --system --user-group --no-create-home libvirt-qemu");
}

std::string domain_xml(const Path& directory, const MachineRecord& record, bool kvm) {
  std::string network =
      record.network ? "<interface type='user'><model type='virtio'/></interface>" : "";
  // Where libvirt runs elsewhere it chooses the agent's socket itself.
  std::string agent =
      record.uri.empty()
          ? fmt::format("<source mode='bind' path='{}'/>",
                        xml_escaped((record.runtime_directory / "agent.sock").string()))
          : "";
  // An emulated processor with five-level page tables walks one more level at each miss.
  std::string without = kvm ? "" : "<feature policy='disable' name='la57'/>";
  // cache=unsafe: a builder whose host crashes is built again, so nothing is worth a flush.
  return fmt::format(R"(<domain type='{}'>
  <name>{}</name>
  <memory unit='MiB'>{}</memory>
  <vcpu>{}</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <cpu mode='{}'>{}</cpu>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe' discard='unmap' detect_zeroes='unmap'/>
      <source file='{}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    {}
    <serial type='file'><source path='{}'/><target port='0'/></serial>
    <channel type='unix'>{}<target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='none'/>
  </devices>
</domain>
)",
                     kvm ? "kvm" : "qemu", record.machine_id, record.size.memory_mib,
                     record.size.cpus, kvm ? "host-passthrough" : "maximum", without,
                     xml_escaped((directory / "disk.qcow2").string()), network,
                     xml_escaped((directory / "console.log").string()), agent);
}

struct Domain::Connection {
  virConnectPtr connection = nullptr;
  Path directory;
  MachineRecord record;
  // Agent calls wait for each other here and not in libvirt, where waiting counts as a failure.
  std::timed_mutex agent_turn;
  Sync<std::string> end;

  /// What a libvirt elsewhere says of its host.
  bool offers_kvm() {
    char* text = virConnectGetCapabilities(connection);
    if (text == nullptr) throw_unavailable("cannot ask libvirt what it can do");
    bool offers = std::string_view(text).find("<domain type='kvm'") != std::string_view::npos;
    ::free(text);
    return offers;
  }

  /// Null if it does not exist. To be freed by the caller.
  virDomainPtr look_up() {
    virDomainPtr domain = virDomainLookupByName(connection, record.machine_id.c_str());
    if (domain == nullptr && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN) {
      throw_unavailable("cannot look for machine " + record.machine_id);
    }
    return domain;
  }
};

namespace {

struct DomainReference {
  virDomainPtr domain;
  ~DomainReference() {
    if (domain != nullptr) virDomainFree(domain);
  }
};

void on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
  auto* watched = static_cast<std::pair<const std::string*, Sync<std::string>*>*>(opaque);
  if (event != VIR_DOMAIN_EVENT_STOPPED || *watched->first != virDomainGetName(domain)) return;
  std::string word = "failed";
  if (detail == VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN) word = "shutdown";
  if (detail == VIR_DOMAIN_EVENT_STOPPED_DESTROYED) word = "destroyed";
  if (detail == VIR_DOMAIN_EVENT_STOPPED_CRASHED) word = "crashed";
  *watched->second->lock() = word;
}

}  // namespace

Domain::Domain(const Path& directory, const MachineRecord& record)
    : connection_(std::make_unique<Connection>()) {
  start_event_loop();
  connection_->directory = directory;
  connection_->record = record;
  std::string uri = record.uri.empty() ? prepare_embedded(record) : record.uri;
  connection_->connection = virConnectOpen(uri.c_str());
  if (connection_->connection == nullptr) throw_unavailable("cannot open libvirt at " + uri);
  auto* watched = new std::pair<const std::string*, Sync<std::string>*>(
      &connection_->record.machine_id, &connection_->end);
  virConnectDomainEventRegisterAny(
      connection_->connection, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
      VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), watched, [](void* opaque) {
        delete static_cast<std::pair<const std::string*, Sync<std::string>*>*>(opaque);
      });
}

Domain::~Domain() { virConnectClose(connection_->connection); }

bool Domain::exists() {
  DomainReference reference{connection_->look_up()};
  return reference.domain != nullptr && virDomainIsActive(reference.domain) == 1;
}

void Domain::create() {
  bool kvm = connection_->record.uri.empty() ? kvm_works() : connection_->offers_kvm();
  std::string xml = domain_xml(connection_->directory, connection_->record, kvm);
  DomainReference reference{virDomainCreateXML(connection_->connection, xml.c_str(), 0)};
  if (reference.domain == nullptr) {
    throw_unavailable("cannot start machine " + connection_->record.machine_id);
  }
}

bool Domain::halted_by_disk() {
  DomainReference reference{connection_->look_up()};
  int state = 0;
  int reason = 0;
  return reference.domain != nullptr &&
         virDomainGetState(reference.domain, &state, &reason, 0) == 0 &&
         state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_IOERROR;
}

std::string Domain::end() { return *connection_->end.lock(); }

void Domain::press_power_button() {
  DomainReference reference{connection_->look_up()};
  if (reference.domain != nullptr) {
    virDomainShutdownFlags(reference.domain, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN);
  }
}

void Domain::destroy() {
  DomainReference reference{connection_->look_up()};
  if (reference.domain == nullptr) return;
  if (virDomainDestroy(reference.domain) != 0 && exists()) {
    throw_unavailable("cannot end machine " + connection_->record.machine_id);
  }
}

Json Domain::agent(const Json& command, Duration time_limit) {
  std::unique_lock turn(connection_->agent_turn, time_limit);
  if (!turn.owns_lock()) {
    throw Error(ErrorKind::unavailable, "the guest agent of machine {} is busy",
                connection_->record.machine_id);
  }
  DomainReference reference{connection_->look_up()};
  if (reference.domain == nullptr) {
    throw Error(ErrorKind::unavailable, "machine {} is off", connection_->record.machine_id);
  }
  int seconds = std::max(1, static_cast<int>(time_limit / 1s));
  char* answer = virDomainQemuAgentCommand(reference.domain, compact(command).c_str(), seconds, 0);
  if (answer == nullptr) {
    int code = virGetLastErrorCode();
    bool refused = code == VIR_ERR_INTERNAL_ERROR;
    throw Error(refused ? ErrorKind::failed : ErrorKind::unavailable,
                "the guest agent of machine {}: {}", connection_->record.machine_id, last_words());
  }
  std::string text = answer;
  ::free(answer);
  return parse_json(text, "guest agent").value("return", Json());
}

}  // namespace hallmark::cloud::libvirt
