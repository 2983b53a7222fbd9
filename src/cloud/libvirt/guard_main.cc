/// The guard as a program of its own, for tests: what `hallmark internal machine-guard` is.

#include "cloud/libvirt/libvirt_cloud.h"

int main(int argc, char** argv) {
  return hallmark::cloud::machine_guard_main(std::vector<std::string>(argv + 1, argv + argc));
}
