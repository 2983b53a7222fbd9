#include "scan/inventory/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/inventory/app_packages.h"
#include "scan/inventory/grub.h"
#include "scan/inventory/kernels.h"
#include "scan/inventory/memory_files.h"
#include "scan/inventory/support.h"
#include "scan/inventory/walk.h"

namespace hallmark::scan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n";

/// "rule path" of each.
std::vector<std::string> told(const model::Inventory& inventory) {
  std::vector<std::string> texts;
  for (const model::HardeningFact& fact : inventory.facts)
    texts.push_back(fact.rule + " " + fact.path);
  std::sort(texts.begin(), texts.end());
  return texts;
}

model::Inventory walked(MemoryFiles& files) {
  model::Inventory inventory;
  FileFacts facts(inventory, files);
  walk(inventory, files,
       [&](const std::string& path, const fs::FileInfo& info) { facts.visit(path, info); });
  facts.finish();
  return inventory;
}

TEST(FileFacts, AnOrdinarySystemHasNone) {
  MemoryFiles files{{"/etc/passwd", "x"},
                    {"/usr/bin/ls", "x"},
                    {"/etc/ssl/cert.pem", "-----BEGIN CERTIFICATE-----\n"},
                    {"/root/.bashrc", "x"},
                    {"/usr/lib/python3/test/key.pem", kKey},
                    {"/root/.bash_history", ""},
                    {"/var/log/dpkg.log", ""}};
  files.add_directory("/tmp", 01777);
  files.add_link("/bin", "/usr/bin");
  EXPECT_THAT(told(walked(files)), IsEmpty());
}

TEST(FileFacts, ModesThatGiveRightsAway) {
  MemoryFiles files;
  files.add("/usr/bin/su", "x", 04755);
  files.add("/usr/bin/wall", "x", 02755);
  files.add("/usr/share/lock", "x", 02644);
  files.add("/etc/app.conf", "x", 0666);
  files.add_directory("/srv/drop", 0777);
  EXPECT_THAT(told(walked(files)), ElementsAre("setgid /usr/bin/wall", "setuid /usr/bin/su",
                                               "world-writable-directory /srv/drop",
                                               "world-writable-file /etc/app.conf"));
}

TEST(FileFacts, WhatBelongsToOneMachineOrPerson) {
  MemoryFiles files{{"/etc/ssh/ssh_host_ed25519_key", kKey},
                    {"/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA"},
                    {"/root/.ssh/id_ed25519", kKey},
                    {"/root/.ssh/id_ed25519.pub", "ssh-ed25519 AAAA"},
                    {"/etc/ssl/private/server.key", "x\n-----BEGIN RSA PRIVATE KEY-----\n"},
                    {"/home/a/.aws/credentials", "[default]\naws_secret_access_key = s3cr3t\n"},
                    {"/home/a/.docker/config.json", "{\"auths\": {\"r\": {\"auth\": \"s3cr3t\"}}}"},
                    {"/home/b/.docker/config.json", "{\"credsStore\": \"pass\"}"},
                    {"/home/a/.bash_history", "export PASSWORD=s3cr3t"},
                    {"/home/a/.ssh/authorized_keys", "# me\nssh-rsa A a\n\nssh-rsa B b\n"},
                    {"/var/log/syslog", "x"},
                    {"/var/log/apt/term.log", "xy"}};
  model::Inventory found = walked(files);
  EXPECT_THAT(
      told(found),
      ElementsAre("authorized-key /home/a/.ssh/authorized_keys",
                  "credentials /home/a/.aws/credentials", "credentials /home/a/.docker/config.json",
                  "logs /var/log", "private-key /etc/ssl/private/server.key",
                  "private-key /root/.ssh/id_ed25519", "shell-history /home/a/.bash_history",
                  "ssh-host-key /etc/ssh/ssh_host_ed25519_key"));
  for (const model::HardeningFact& fact : found.facts) {
    EXPECT_THAT(fact.detail, ::testing::Not(HasSubstr("s3cr3t")));
    EXPECT_TRUE(fact.rule != "authorized-key" || fact.detail == "2 keys");
    EXPECT_TRUE(fact.rule != "logs" || fact.detail.starts_with("2 files"));
  }
}

TEST(FileFacts, WhatIsCalledOrKeptOtherwise) {
  MemoryFiles files{{"/root/.ssh/deploy", kKey},
                    {"/root/.ssh/config", "Host x\n"},
                    {"/etc/keys/root", "ssh-rsa A a\n"},
                    {"/root/.kube/config", "users:\n- user:\n    token: s3cr3t\n"},
                    {"/root/.npmrc", "//r/:_password=s3cr3t\n//r/:_auth=s3cr3t\n"}};
  files.add_link("/root/.ssh/authorized_keys", "/etc/keys/root");
  files.add_link("/home/a/.ssh/authorized_keys", "/nowhere");
  model::Inventory found = walked(files);
  EXPECT_THAT(told(found), ElementsAre("authorized-key /root/.ssh/authorized_keys",
                                       "credentials /root/.kube/config", "credentials /root/.npmrc",
                                       "private-key /root/.ssh/deploy"));
  EXPECT_THAT(found.gaps, IsEmpty());
}

TEST(FileFacts, AThousandOfOneKindAreSummedUp) {
  MemoryFiles files;
  for (int i = 0; i < 1000; ++i) files.add("/data/" + std::to_string(i), "x", 0666);
  model::Inventory found = walked(files);
  EXPECT_THAT(found.facts, SizeIs(201));
  EXPECT_EQ(found.facts.back().detail, "and 800 more files or directories");
}

/// A directory that holds itself.
class Endless final : public fs::FileSystem {
 public:
  std::string type() const override { return "endless"; }
  std::string label() const override { return ""; }
  std::optional<fs::FileInfo> stat(const std::string&, bool) override {
    return fs::FileInfo{.type = fs::FileType::directory};
  }
  std::string read_file(const std::string&, std::uint64_t) override { return ""; }
  std::vector<std::string> list(const std::string&) override { return {"a", "b"}; }
  std::vector<std::string> warnings() const override { return {}; }
};

TEST(Walk, ATreeThatDoesNotEndIsAGap) {
  Endless files;
  model::Inventory inventory;
  walk(inventory, files, [](const std::string&, const fs::FileInfo&) {});
  EXPECT_THAT(inventory.gaps, SizeIs(101));
}

std::vector<std::string> accounts(std::string_view passwd, std::string_view shadow) {
  std::vector<std::string> texts;
  for (const auto& fact : account_facts(passwd, shadow)) {
    texts.push_back(fact.rule + " " + fact.detail);
  }
  return texts;
}

TEST(AccountFacts, PasswordsAreJudgedWithoutBeingTold) {
  EXPECT_THAT(accounts("root:x:0:0:root:/root:/bin/bash\n", "root:*:1::::::\nd:!:1::::::\n"),
              IsEmpty());
  EXPECT_THAT(
      accounts("root::0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\n", "a::1:::::\n"),
      ElementsAre("empty-password user root", "second-root user toor", "empty-password user a"));
  EXPECT_THAT(accounts("a:x:00:0\nb:x::0\n+::0:0::/:/bin/sh\n-x:::\n", "+::0:0:::::\n"),
              ElementsAre("second-root user a"));
  // Made by "openssl passwd -6 -salt abcdefgh".
  const std::string vagrant =
      "$6$abcdefgh$E1hF0gaN0DpDb6CPUzLu2iVL8Dk4IHUSGbTjeK66FbWF.6b8XrgzScIZctPmnNtrdCxnYsTEiY4Y28."
      "1ne0fE0";
  EXPECT_THAT(accounts("", "v:" + vagrant + ":1:::::\n"), ElementsAre("default-password user v"));
  EXPECT_THAT(accounts("", "v:$6$rounds=99999999$abc$def:1:::::\nw:$1$a$b:1:::::\n"),
              ElementsAre("password user v", "weak-password-hash user w", "password user w"));
}

model::Inventory sshd(std::initializer_list<std::pair<const char*, std::string>> given) {
  MemoryFiles files(given);
  model::Inventory inventory;
  read_sshd_facts(inventory, files);
  return inventory;
}

TEST(SshdFacts, TheFirstWordCountsAndIncludesAreRead) {
  EXPECT_THAT(sshd({{"/etc/passwd", ""}}).facts, IsEmpty());
  model::Inventory defaults = sshd({{"/etc/ssh/sshd_config", "# nothing\n"}});
  ASSERT_THAT(defaults.facts, SizeIs(1));
  EXPECT_EQ(defaults.facts[0].detail, "PasswordAuthentication yes by default");
  EXPECT_THAT(told(sshd({{"/etc/ssh/sshd_config",
                          "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n"
                          "permitrootlogin=\"yes\"\nMatch User x\nPermitEmptyPasswords yes\n"},
                         {"/etc/ssh/sshd_config.d/50-cloud.conf", "PasswordAuthentication no\n"},
                         {"/etc/ssh/sshd_config.d/50-cloud.bak", "PermitEmptyPasswords yes\n"}})),
              ElementsAre("sshd-root-login /etc/ssh/sshd_config"));
  EXPECT_THAT(sshd({{"/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config\n"}}).gaps, SizeIs(1));
}

TEST(SshdFacts, WhatStandsUnderMatchHoldsForSome) {
  EXPECT_THAT(told(sshd({{"/etc/ssh/sshd_config",
                          "PasswordAuthentication no # as it should be\nMatch User x\n"
                          "Include more\nX11Forwarding yes\nMatch all\nPermitRootLogin yes\n"},
                         {"/etc/ssh/more", "PermitEmptyPasswords yes\n"}})),
              ElementsAre("sshd-root-login /etc/ssh/sshd_config"));
}

TEST(SshdFacts, FilesThatIncludeOneAnotherEndInOneGap) {
  MemoryFiles files;
  files.add("/etc/ssh/sshd_config", "Include d/*\n");
  for (int i = 0; i < 300; ++i) {
    files.add("/etc/ssh/d/" + std::to_string(i), "Include /etc/ssh/d/none*\n");
  }
  model::Inventory inventory;
  read_sshd_facts(inventory, files);
  EXPECT_THAT(inventory.gaps, SizeIs(1));
}

TEST(IdentityFacts, AnIdOfOneMachine) {
  MemoryFiles none{{"/etc/machine-id", "\n"}};
  none.add_link("/var/lib/dbus/machine-id", "/etc/machine-id");
  model::Inventory inventory;
  read_identity_facts(inventory, none);
  EXPECT_THAT(inventory.facts, IsEmpty());
  MemoryFiles some{{"/etc/machine-id", "0123456789abcdef0123456789abcdef\n"},
                   {"/var/lib/systemd/random-seed", "xxxx"}};
  read_identity_facts(inventory, some);
  EXPECT_THAT(told(inventory), ElementsAre("machine-id /etc/machine-id",
                                           "random-seed /var/lib/systemd/random-seed"));
}

std::string started(std::initializer_list<std::pair<const char*, std::string>> given) {
  MemoryFiles files(given);
  model::Inventory inventory;
  read_kernels(inventory, files);
  EXPECT_THAT(inventory.gaps, IsEmpty());
  return inventory.default_kernel;
}

TEST(Kernels, EachBootLoaderSaysWhichOneItStarts) {
  const std::string grub =
      "set default=\"${saved_entry}\"\n"
      "menuentry 'Debian' --id 'gnulinux-simple' {\n\tlinux\t/boot/vmlinuz-6.1.0-9 root=x\n}\n"
      "submenu 'Advanced' {\n menuentry 'old' --id 'gnulinux-old' {\n  linux "
      "/boot/vmlinuz-6.1.0-8\n }\n}\n";
  EXPECT_EQ(started({{"/boot/grub/grub.cfg", grub}}), "6.1.0-9");
  EXPECT_EQ(started({{"/boot/grub/grub.cfg", grub},
                     {"/boot/grub/grubenv", "# GRUB\nsaved_entry=Advanced>gnulinux-old\n"}}),
            "6.1.0-8");
  EXPECT_EQ(started({{"/boot/loader/entries/id-5.14.0-1.el9.conf",
                      "title A\nversion 5.14.0-1.el9\nlinux /vmlinuz-5.14.0-1.el9\n"},
                     {"/boot/loader/entries/id-5.14.0-2.el9.conf", "version 5.14.0-2.el9\n"},
                     {"/boot/grub2/grubenv", "saved_entry=id-5.14.0-2.el9\n"}}),
            "5.14.0-2.el9");
  EXPECT_EQ(
      started({{"/boot/extlinux.conf",
                "DEFAULT virt\nLABEL lts\n LINUX vmlinuz-lts\nLABEL virt\n LINUX vmlinuz-virt\n"}}),
      "virt");
  MemoryFiles linked{{"/boot/vmlinuz-6.1", "x"}};
  linked.add_link("/vmlinuz", "boot/vmlinuz-6.1");
  model::Inventory inventory;
  read_kernels(inventory, linked);
  EXPECT_EQ(inventory.default_kernel, "6.1");
  EXPECT_THAT(inventory.kernels, ElementsAre("6.1"));
}

/// As grub-mkconfig writes it.
std::string grub_menu(const std::string& choice) {
  return "if [ \"${next_entry}\" ] ; then\n   set default=\"${next_entry}\"\n   set next_entry=\n"
         "else\n   set default=\"" +
         choice +
         "\"\nfi\nfunction savedefault {\n  if [ -z \"${boot_once}\" ]; then\n    save_env "
         "saved_entry\n  fi\n}\n"
         "menuentry 'A' --class os $menuentry_id_option 'a-simple' {\n  if [ x = x ]; then\n"
         "  insmod gzio\n  fi\n  linux /vmlinuz-1 root=x\n}\n"
         "submenu 'Advanced' $menuentry_id_option 'advanced' {\n"
         "  menuentry 'A, with 1' $menuentry_id_option 'a-1' {\n    linux /vmlinuz-1\n  }\n"
         "  menuentry 'A, with 0 > -1' $menuentry_id_option 'a-0' {\n    linux /vmlinuz-0\n  }\n}\n"
         "menuentry \"Memory test\" {\n  linux16 /memtest.bin\n}\n"
         "menuentry \"B\" {\n  linuxefi /vmlinuz-b\n}\n";
}

TEST(Grub, StartsWhatItsDefaultMeans) {
  for (const auto& [choice, kernel] : std::initializer_list<std::pair<const char*, const char*>>{
           {"0", "1"},
           {"1", "1"},
           {"1>1", "0"},
           {"Advanced>1", "0"},
           {"advanced>a-0", "0"},
           {"1>A, with 0 >> -1", "0"},
           {"2", ""},
           {"3", "b"},
           {"B", "b"},
           {"4", "1"},
           {"a-0", "1"},  // it lies in a submenu
           {"none", "1"},
           {"1>9", "1"},
           {"", "1"}}) {
    EXPECT_EQ(grub_default(grub_menu(choice), ""), kernel) << choice;
    EXPECT_EQ(grub_default(grub_menu("${saved_entry}"), choice), kernel) << choice;
    // What was saved counts only where the menu asks for it.
    EXPECT_EQ(grub_default(grub_menu("3"), choice), "b") << choice;
  }
  EXPECT_EQ(grub_default("", "1"), "");
  EXPECT_EQ(grub_default("}\n}\nmenuentry x {\n", ""), "");
  EXPECT_EQ(grub_default("menuentry 'old' {\nlinux /vmlinuz-2\n}\n", ""), "2");
}

TEST(Kernels, EntriesOfTheSpecificationAreSorted) {
  auto with = [](std::initializer_list<std::pair<const char*, std::string>> more) {
    MemoryFiles files{{"/boot/loader/entries/a-5.14.0-9.conf", "version 5.14.0-9\n"},
                      {"/boot/loader/entries/a-5.14.0-10.conf", "version 5.14.0-10\n"},
                      {"/boot/loader/entries/a-0-rescue.conf", "version 0-rescue-a\n"}};
    for (const auto& [path, text] : more) files.add(path, text);
    model::Inventory inventory;
    read_kernels(inventory, files);
    return inventory.default_kernel;
  };
  EXPECT_EQ(with({}), "5.14.0-10");
  const std::string grub = "set default=\"${saved_entry}\"\nblscfg\n";
  EXPECT_EQ(with({{"/boot/grub2/grub.cfg", grub}}), "5.14.0-10");
  EXPECT_EQ(with({{"/boot/grub2/grub.cfg", grub}, {"/boot/grub2/grubenv", "saved_entry=1\n"}}),
            "5.14.0-9");
  EXPECT_EQ(
      with({{"/boot/grub2/grub.cfg", grub}, {"/boot/grub2/grubenv", "saved_entry=a-0-rescue\n"}}),
      "0-rescue-a");
  // A menu without them is what GRUB shows.
  EXPECT_EQ(with({{"/boot/grub2/grub.cfg", "menuentry 'x' {\n  linux /vmlinuz-7\n}\n"}}), "7");
  EXPECT_EQ(with({{"/boot/loader/loader.conf", "timeout 3\ndefault a-5.14.0-9*\n"}}), "5.14.0-9");
  EXPECT_EQ(with({{"/boot/loader/loader.conf", "default a-5.*\n"}}), "5.14.0-10");
  EXPECT_EQ(with({{"/boot/efi/loader/loader.conf", "timeout 3\n"}}), "5.14.0-10");
  EXPECT_EQ(with({{"/boot/loader/loader.conf", "default @saved\n"}}), "");
}

TEST(AppPackages, AreNamedAndTheirContentIsAGap) {
  MemoryFiles files{{"/var/lib/snapd/snaps/core22_1380.snap", "x"},
                    {"/var/lib/flatpak/app/org.x.Y/x86_64/stable/active/metadata", "x"}};
  model::Inventory inventory;
  read_snaps(inventory, files);
  read_flatpaks(inventory, files);
  ASSERT_THAT(inventory.packages, SizeIs(2));
  EXPECT_EQ(inventory.packages[0].name, "core22");
  EXPECT_EQ(inventory.packages[0].version, "1380");
  EXPECT_EQ(inventory.packages[1].name, "org.x.Y");
  EXPECT_EQ(inventory.packages[1].architecture, "amd64");
  EXPECT_THAT(inventory.gaps, SizeIs(2));
}

TEST(Support, IsNotProlongedByTheImage) {
  auto end = [](const char* id, const char* said) {
    return end_of_support({.id = id, .version_id = "12", .end_of_support = said});
  };
  EXPECT_EQ(end("debian", "2099-01-01"), "2028-06-30");
  EXPECT_EQ(end("debian", "2027-01-01"), "2027-01-01");
  EXPECT_EQ(end("debian", "never"), "2028-06-30");
  EXPECT_EQ(end("fedora", "2027-05-13"), "2027-05-13");
  EXPECT_EQ(end("fedora", "never"), "");
}

TEST(Support, EndsOnADay) {
  EXPECT_EQ(end_of_support({.id = "debian", .version_id = "12"}), "2028-06-30");
  EXPECT_EQ(end_of_support({.id = "almalinux", .version_id = "9.4"}), "2032-05-31");
  EXPECT_EQ(end_of_support({.id = "alpine", .version_id = "3.20.3"}), "2026-04-01");
  EXPECT_EQ(end_of_support({.id = "rhel", .version_id = "10.0"}), "2035-05-31");
  EXPECT_EQ(end_of_support({.id = "sles", .version_id = "15.6"}), "2025-12-31");
  EXPECT_EQ(end_of_support({.id = "sles", .version_id = "15.7"}), "2031-07-31");
  EXPECT_EQ(end_of_support({.id = "sles", .version_id = "15.8"}), "");
  EXPECT_EQ(end_of_support({.id = "opensuse-leap", .version_id = "15.6"}), "2026-04-30");
  EXPECT_EQ(end_of_support({.id = "ol", .version_id = "9.4"}), "2032-06-30");
  EXPECT_EQ(end_of_support({.id = "alpine", .version_id = "3.2"}), "");
  EXPECT_EQ(end_of_support({.id = "debian", .version_id = "1"}), "");
}

}  // namespace
}  // namespace hallmark::scan
