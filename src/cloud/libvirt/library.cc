/// libvirt's functions, looked up when the first of them is called. The library and the forty that
/// it needs take more time to load than reading a disk does, and most commands start no machine.

#include <dlfcn.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/error.h"

namespace hallmark::cloud {
namespace {

void* load(const char* library) {
  // It stays: threads of its own may run in it.
  void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle != nullptr) return handle;
  throw Error(ErrorKind::unavailable, "libvirt cannot be loaded: {}", ::dlerror())
      .hint("install the package libvirt0");
}

template <typename Function>
Function* find(const char* name, const char* library) {
  void* found = ::dlsym(load(library), name);
  if (found != nullptr) return reinterpret_cast<Function*>(found);
  throw Error(ErrorKind::unavailable, "{} has no {}", library, name)
      .hint("libvirt is older than this program needs");
}

}  // namespace
}  // namespace hallmark::cloud

/// The body of a function of libvirt: a call, with `arguments` in parentheses, of the real one.
#define HALLMARK_CALL(library, name, arguments)                                   \
  static const auto real = hallmark::cloud::find<decltype(name)>(#name, library); \
  return real arguments

extern "C" {

int virConnectClose(virConnectPtr connection) {
  HALLMARK_CALL("libvirt.so.0", virConnectClose, (connection));
}
int virConnectDomainEventRegisterAny(virConnectPtr connection, virDomainPtr domain, int event,
                                     virConnectDomainEventGenericCallback callback, void* opaque,
                                     virFreeCallback free) {
  HALLMARK_CALL("libvirt.so.0", virConnectDomainEventRegisterAny,
                (connection, domain, event, callback, opaque, free));
}
char* virConnectGetCapabilities(virConnectPtr connection) {
  HALLMARK_CALL("libvirt.so.0", virConnectGetCapabilities, (connection));
}
virConnectPtr virConnectOpen(const char* uri) {
  HALLMARK_CALL("libvirt.so.0", virConnectOpen, (uri));
}
virDomainPtr virDomainCreateXML(virConnectPtr connection, const char* xml, unsigned int flags) {
  HALLMARK_CALL("libvirt.so.0", virDomainCreateXML, (connection, xml, flags));
}
int virDomainDestroy(virDomainPtr domain) {
  HALLMARK_CALL("libvirt.so.0", virDomainDestroy, (domain));
}
int virDomainFree(virDomainPtr domain) { HALLMARK_CALL("libvirt.so.0", virDomainFree, (domain)); }
const char* virDomainGetName(virDomainPtr domain) {
  HALLMARK_CALL("libvirt.so.0", virDomainGetName, (domain));
}
int virDomainGetState(virDomainPtr domain, int* state, int* reason, unsigned int flags) {
  HALLMARK_CALL("libvirt.so.0", virDomainGetState, (domain, state, reason, flags));
}
int virDomainIsActive(virDomainPtr domain) {
  HALLMARK_CALL("libvirt.so.0", virDomainIsActive, (domain));
}
virDomainPtr virDomainLookupByName(virConnectPtr connection, const char* name) {
  HALLMARK_CALL("libvirt.so.0", virDomainLookupByName, (connection, name));
}
int virDomainShutdownFlags(virDomainPtr domain, unsigned int flags) {
  HALLMARK_CALL("libvirt.so.0", virDomainShutdownFlags, (domain, flags));
}
int virEventRegisterDefaultImpl(void) {
  HALLMARK_CALL("libvirt.so.0", virEventRegisterDefaultImpl, ());
}
int virEventRunDefaultImpl(void) { HALLMARK_CALL("libvirt.so.0", virEventRunDefaultImpl, ()); }
virErrorPtr virGetLastError(void) { HALLMARK_CALL("libvirt.so.0", virGetLastError, ()); }
int virGetLastErrorCode(void) { HALLMARK_CALL("libvirt.so.0", virGetLastErrorCode, ()); }
void virSetErrorFunc(void* data, virErrorFunc handler) {
  HALLMARK_CALL("libvirt.so.0", virSetErrorFunc, (data, handler));
}
char* virDomainQemuAgentCommand(virDomainPtr domain, const char* command, int timeout,
                                unsigned int flags) {
  HALLMARK_CALL("libvirt-qemu.so.0", virDomainQemuAgentCommand, (domain, command, timeout, flags));
}

}  // extern "C"
