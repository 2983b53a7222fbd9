#include "scan/inventory/languages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "base/testing.h"
#include "scan/inventory/elf.h"
#include "scan/inventory/memory_files.h"
#include "scan/inventory/walk.h"
#include "scan/inventory/zip.h"

namespace hallmark::scan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string number(std::uint64_t value, int length) {
  std::string bytes;
  for (int i = 0; i < length; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

/// An ELF file of 64 bits with these sections, at address 0x1000 times their number.
std::string elf(const std::vector<std::pair<std::string, std::string>>& sections) {
  std::string names(1, '\0'), content, table(64, '\0');
  auto add = [&](const std::string& name, const std::string& bytes) {
    table += number(names.size(), 4) + number(1, 4) + number(2, 8) +
             number(0x1000 * (table.size() / 64), 8) + number(64 + content.size(), 8) +
             number(bytes.size(), 8) + std::string(24, '\0');
    names += name + '\0';
    content += bytes;
  };
  for (const auto& [name, bytes] : sections) add(name, bytes);
  add("names", names + "names");
  const std::size_t count = sections.size() + 2;
  std::string head = std::string(
      "\x7f"
      "ELF\2\1\1",
      7);
  head.resize(40);
  head += number(0, 0);
  head.replace(40, 0, number(64 + content.size(), 8));
  head.resize(58);
  head += number(64, 2) + number(count, 2) + number(count - 1, 2);
  return head + content + table;
}

ReadAt reader_of(const std::string& bytes) {
  return [&bytes](std::uint64_t offset, std::uint64_t length) {
    return offset > bytes.size() ? std::string() : bytes.substr(offset, length);
  };
}

std::string packed(const std::string& text) {
  std::string out(compressBound(text.size()), '\0');
  uLongf size = out.size();
  compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
           text.size());
  return out.substr(0, size);
}

/// Without zlib's header and checksum.
std::string deflated(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Entries stored as they are, or packed as most are.
std::string zip(const std::vector<std::pair<std::string, std::string>>& files,
                bool is_packed = false) {
  std::string content, directory;
  for (const auto& [name, text] : files) {
    const std::string bytes = is_packed ? deflated(text) : text;
    directory += std::string("PK\1\2") + std::string(6, '\0') + number(is_packed ? 8 : 0, 2) +
                 std::string(8, '\0') + number(bytes.size(), 4) + number(text.size(), 4) +
                 number(name.size(), 2) + std::string(12, '\0') + number(content.size(), 4) + name;
    content += std::string("PK\3\4", 4) + std::string(22, '\0') + number(name.size(), 2) +
               number(0, 2) + name + bytes;
  }
  return content + directory + "PK\5\6" + std::string(4, '\0') + number(files.size(), 2) +
         number(files.size(), 2) + number(directory.size(), 4) + number(content.size(), 4) +
         number(0, 2);
}

std::vector<std::string> told(const std::vector<model::Package>& packages) {
  std::vector<std::string> texts;
  for (const auto& p : packages) texts.push_back(p.manager + " " + p.name + " " + p.version);
  return texts;
}

std::vector<model::Package> packages_of(const std::string& program) {
  Budget budget(64u << 20);
  return program_packages(reader_of(program), budget);
}

model::Inventory walked(MemoryFiles& files, std::uint64_t budget = 64u << 20) {
  model::Inventory inventory;
  LanguagePackages languages(inventory, files, Budget(budget));
  walk(inventory, files,
       [&](const std::string& path, const fs::FileInfo& info) { languages.visit(path, info); });
  languages.finish();
  return inventory;
}

constexpr const char* kMetadata =
    "Metadata-Version: 2.1\nName: Jinja_2\nVersion: 3.1.2\n\nName: x\n";

TEST(Languages, PythonThatTheDistributionDidNotBring) {
  MemoryFiles files{
      {"/usr/lib/python3/dist-packages/a-1.dist-info/METADATA", kMetadata},
      {"/usr/lib/python3.9/site-packages/b-1.dist-info/METADATA", kMetadata},
      {"/usr/lib/python3.9/site-packages/b-1.dist-info/INSTALLER", "rpm\n"},
      {"/usr/lib/python3.9/site-packages/c-1.dist-info/METADATA", kMetadata},
      {"/usr/lib/python3.9/site-packages/c-1.dist-info/INSTALLER", "pip\n"},
      {"/usr/local/lib/python3.11/dist-packages/d.egg-info/PKG-INFO", "Name: d\nVersion: 1\n"},
      {"/opt/app/e.egg-info", "Name: e\n"}};
  model::Inventory found = walked(files);
  EXPECT_THAT(told(found.packages),
              ::testing::UnorderedElementsAre("python jinja-2 3.1.2", "python d 1"));
  EXPECT_EQ(found.packages[0].path.substr(0, 5), "/usr/");
  ASSERT_THAT(found.gaps, SizeIs(1));
  EXPECT_EQ(found.gaps[0].what, "/opt/app/e.egg-info");
}

TEST(Languages, PythonAsItWasInstalledBeforeWheels) {
  MemoryFiles files{
      {"/usr/lib/python2.7/site-packages/a.egg-info/PKG-INFO", "Name: a\nVersion: 1\n"},
      {"/usr/lib/python2.7/site-packages/a.egg-info/installed-files.txt", "../a.py\n"},
      {"/usr/lib/python2.7/site-packages/b.egg-info/PKG-INFO", "Name: b\nVersion: 1\n"},
      {"/opt/app/c.egg/EGG-INFO/PKG-INFO", "Name: c\nVersion: 2\n"}};
  EXPECT_THAT(told(walked(files).packages),
              ::testing::UnorderedElementsAre("python a 1", "python c 2"));
}

TEST(Languages, NodeByWhatIsInstalledElseByTheLock) {
  MemoryFiles files{
      {"/srv/a/node_modules/left-pad/package.json", R"({"name":"left-pad","version":"1.3.0"})"},
      {"/srv/a/node_modules/@x/y/package.json", R"({"name":"@x/y","version":"2.0.0"})"},
      {"/srv/a/node_modules/@x/y/test/package.json", R"({"name":"t","version":"1"})"},
      {"/srv/a/package-lock.json", "not even read"},
      {"/srv/b/package-lock.json",
       R"({"lockfileVersion":3,"packages":{"":{"name":"b"},"node_modules/c":{"version":"1.0.0"},
           "node_modules/c/node_modules/@d/e":{"version":"2.0.0"},"packages/own":{"version":"1"},
           "node_modules/own":{"link":true,"resolved":"packages/own"}}})"},
      {"/srv/c/package-lock.json",
       R"({"dependencies":{"f":{"version":"1","dependencies":{"g":{"version":"2"}}}}})"},
      {"/srv/d/package-lock.json", "{"}};
  model::Inventory found = walked(files);
  EXPECT_THAT(told(found.packages),
              ::testing::UnorderedElementsAre("npm left-pad 1.3.0", "npm @x/y 2.0.0", "npm c 1.0.0",
                                              "npm @d/e 2.0.0", "npm f 1", "npm g 2"));
  EXPECT_THAT(found.gaps, SizeIs(1));
}

TEST(Languages, WhatTheSystemsPackagesBroughtIsTheirs) {
  const std::string gem = "s.name = \"rack\"\ns.version = \"2.2.3\"\n";
  const std::string module = R"({"name":"m","version":"1"})";
  MemoryFiles files{
      // dpkg's, by a name from before /lib was merged into /usr.
      {"/var/lib/dpkg/info/python3-yaml.list",
       "/.\n/lib/python3.11/site-packages/PyYAML-6.0.dist-info/METADATA\n"
       "/opt/app/lib/A.dist-info/METADATA\n"},
      {"/usr/lib/python3.11/site-packages/PyYAML-6.0.dist-info/METADATA", kMetadata},
      {"/usr/lib/python3.11/site-packages/PyYAML-6.0.dist-info/INSTALLER", "installer"},
      {"/opt/app/lib/A.dist-info/METADATA", "Name: a\nVersion: 1\n"},
      // distroless'.
      {"/var/lib/dpkg/status.d/ruby.md5sums",
       std::string(32, '0') + "  usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.3.gemspec\n"},
      {"/usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.3.gemspec", gem},
      // apk's, which also brings somebody else's module.
      {"/lib/apk/db/installed",
       "P:npm\nV:1\nF:usr/lib/node_modules/m\nR:package.json\n"
       "F:usr/lib/node_modules/m/node_modules/n\nR:package.json\n"},
      {"/usr/lib/node_modules/m/package.json", module},
      {"/usr/lib/node_modules/m/node_modules/n/package.json", R"({"name":"n","version":"2"})"},
      // Nobody's, and pip's own.
      {"/usr/lib/node_modules/o/package.json", R"({"name":"o","version":"3"})"}};
  model::Inventory found = walked(files);
  EXPECT_THAT(told(found.packages),
              ::testing::UnorderedElementsAre("python a 1", "npm n 2", "npm o 3"));
  EXPECT_THAT(found.gaps, IsEmpty());
}

TEST(Languages, ADefaultGemIsThereUntilANewerOneIs) {
  const std::string place = "/opt/ruby/lib/ruby/gems/3.1.0/specifications/";
  auto gem = [](const std::string& name, const std::string& version) {
    return "s.name = \"" + name + "\".freeze\ns.version = \"" + version + "\"\n";
  };
  MemoryFiles files;
  files.add(place + "default/json-2.6.1.gemspec", gem("json", "2.6.1"));
  files.add(place + "default/uri-0.12.0.gemspec", gem("uri", "0.12.0"));
  files.add(place + "default/cgi-0.10.0.gemspec", gem("cgi", "0.10.0"));
  files.add(place + "uri-0.12.2.gemspec", gem("uri", "0.12.2"));
  files.add(place + "cgi-0.9.0.gemspec", gem("cgi", "0.9.0"));
  EXPECT_THAT(told(walked(files).packages),
              ::testing::UnorderedElementsAre("ruby json 2.6.1", "ruby uri 0.12.2",
                                              "ruby cgi 0.10.0", "ruby cgi 0.9.0"));
}

TEST(Languages, OneKindOfGapHidesNoOther) {
  MemoryFiles files{{"/opt/z.egg-info", "no package\n"}};
  for (int i = 0; i < 150; ++i) files.add("/opt/j/" + std::to_string(i) + ".jar", "no jar");
  model::Inventory found = walked(files);
  EXPECT_THAT(found.gaps, SizeIs(102));
  EXPECT_EQ(found.gaps.back().reason, "50 more files of this kind could not be read");
  EXPECT_TRUE(std::any_of(found.gaps.begin(), found.gaps.end(),
                          [](const auto& gap) { return gap.what == "/opt/z.egg-info"; }));
}

TEST(Languages, ManySmallBombsEndTheLook) {
  const std::string bomb =
      zip({{"a.jar", zip({{"X.class", std::string(1 << 20, ' ')}}, true)}}, true);
  MemoryFiles files;
  for (int i = 0; i < 100; ++i) files.add("/opt/" + std::to_string(i) + "/a.jar", bomb);
  model::Inventory found = walked(files, 1 << 20);
  ASSERT_THAT(found.gaps, ::testing::Not(IsEmpty()));
  EXPECT_EQ(found.gaps.back().what, "packages of languages");
  EXPECT_LT(found.gaps.size(), 100u);
}

TEST(Languages, RubyByItsSpecifications) {
  MemoryFiles files{{"/var/lib/gems/3.1.0/specifications/rack-2.2.3.gemspec",
                     "# stub: rack\nGem::Specification.new do |s|\n  s.name = \"rack\".freeze\n"
                     "  s.version = \"2.2.3\"\n"}};
  EXPECT_THAT(told(walked(files).packages), ElementsAre("ruby rack 2.2.3"));
  MemoryFiles odd{{"/var/lib/gems/3.1.0/specifications/x.gemspec", "no gem\n"}};
  EXPECT_THAT(walked(odd).gaps, SizeIs(1));
}

const std::string kModules =
    std::string(16, 'm') +
    "path\texample.org/app\nmod\texample.org/app\t(devel)\t\ndep\tgolang.org/x/net\tv0.1.0\th1:x\n"
    "dep\told.org/a\tv1.0.0\n=>\tnew.org/a\tv1.0.1\th1:y\nbuild\t-compiler=gc\n" +
    std::string(16, 'e');

TEST(Programs, GoSinceItKeepsItsListInPlace) {
  std::string info = "\xff Go buildinf:";
  info += std::string("\x08\x02", 2);
  info.resize(32);
  info += std::string(1, 8) + "go1.21.5";
  info += static_cast<char>(0x80 | (kModules.size() & 0x7f));
  info += static_cast<char>(kModules.size() >> 7);
  info += kModules;
  const std::string program = elf({{".text", "code"}, {".go.buildinfo", info}});
  EXPECT_THAT(told(packages_of(program)),
              ElementsAre("go stdlib 1.21.5", "go golang.org/x/net v0.1.0", "go new.org/a v1.0.1"));
  for (std::size_t size = 0; size < program.size(); size += 5) {
    const std::string cut = program.substr(0, size);
    try {
      packages_of(cut);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt);
    }
  }
}

TEST(Programs, GoModulesThatAreReplaced) {
  EXPECT_THAT(told(go_modules("",
                              "mod\ta\t(devel)\t\n=>\tb\t(devel)\t\ndep\tc\tv1.0.0\n"
                              "=>\t./local\t\t\ndep\td\tv2.0.0\n=>\te\tv3.0.0\n")),
              ElementsAre("go e v3.0.0"));
}

TEST(Programs, GoBeforeByPointers) {
  // Sections begin at 0x1000, 0x2000 and so on.
  const std::string data =
      number(0x2000, 8) + number(8, 8) + number(0x2008, 8) + number(kModules.size(), 8);
  std::string info = "\xff Go buildinf:";
  info += std::string("\x08\x00", 2) + number(0x1000, 8) + number(0x1010, 8);
  const std::string program =
      elf({{".data", data}, {".rodata", "go1.16.1" + kModules}, {".go.buildinfo", info}});
  EXPECT_THAT(told(packages_of(program)),
              ElementsAre("go stdlib 1.16.1", "go golang.org/x/net v0.1.0", "go new.org/a v1.0.1"));
}

TEST(Programs, WhatIsNotLoadedHasNoAddressAndGoHasAVersion) {
  auto program = [](const std::string& toolchain, std::uint64_t at) {
    const std::string data =
        number(0x2000, 8) + number(toolchain.size(), 8) + number(0x2000, 8) + number(0, 8);
    std::string info = "\xff Go buildinf:";
    info += std::string("\x08\x00", 2) + number(at, 8) + number(0x1010, 8);
    return elf({{".data", data}, {".rodata", toolchain}, {".go.buildinfo", info}});
  };
  const std::string good = program("go1.16.1", 0x1000);
  EXPECT_THAT(told(packages_of(good)), ElementsAre("go stdlib 1.16.1"));
  const std::string nonsense = program("python", 0x1000);
  EXPECT_EQ(kind_of([&] { packages_of(nonsense); }), ErrorKind::corrupt);
  // The flags of the second section, which the table has behind the empty first and .data.
  std::string unloaded = good;
  const std::size_t table = good.size() - 5 * 64;
  unloaded[table + 2 * 64 + 8] = 0;
  EXPECT_EQ(kind_of([&] { packages_of(unloaded); }), ErrorKind::corrupt);
}

TEST(Programs, RustThatIsAuditable) {
  const std::string list =
      R"({"packages":[{"name":"serde","version":"1.0.1","source":"crates.io"},
          {"name":"cc","version":"1.0.2","source":"crates.io","kind":"build"}]})";
  EXPECT_THAT(told(packages_of(elf({{".dep-v0", packed(list)}}))), ElementsAre("rust serde 1.0.1"));
  const std::string bomb = elf({{".dep-v0", packed(std::string(9 << 20, ' '))}});
  EXPECT_EQ(kind_of([&] { packages_of(bomb); }), ErrorKind::corrupt);
  EXPECT_THAT(packages_of("#!/bin/sh\n"), IsEmpty());
}

TEST(Jars, SayWhatTheyAreAndWhatIsInThem) {
  const std::string inner =
      zip({{"META-INF/maven/g/a/pom.properties", "#x\ngroupId=g\nartifactId=a\nversion=1.0\n"}});
  const std::string outer =
      zip({{"META-INF/MANIFEST.MF",
            "Bundle-SymbolicName: org.x.y;singleton:=true\r\nBundle-Version: 2.0\r\n"},
           {"X.class", "x"},
           {"BOOT-INF/lib/a.jar", inner},
           {"BOOT-INF/lib/b.jar", "no jar"}});
  MemoryFiles files{{"/opt/app.jar", outer},
                    {"/opt/other.jar", zip({{"Y.class", "y"}})},
                    {"/usr/share/java/dpkg-knows.jar", "not even read"}};
  model::Inventory found = walked(files);
  EXPECT_THAT(told(found.packages), ElementsAre("java g:a 1.0", "java org.x.y 2.0"));
  EXPECT_EQ(found.packages[0].path, "/opt/app.jar");
  ASSERT_THAT(found.gaps, SizeIs(3));
  EXPECT_EQ(found.gaps[0].what, "/opt/app.jar!/BOOT-INF/lib/b.jar");
  EXPECT_EQ(found.gaps[1].what, "/opt/app.jar");
  EXPECT_THAT(found.gaps[1].reason, HasSubstr("group is not known"));
  EXPECT_EQ(found.gaps[2].what, "/opt/other.jar");
}

TEST(Jars, AreMostlyPacked) {
  const std::string pom = "groupId=g\nartifactId=a\nversion=1.0\n";
  const std::string inner = zip({{"META-INF/maven/g/a/pom.properties", pom}}, true);
  MemoryFiles files{{"/opt/app.jar", zip({{"lib/a.jar", inner}}, true)}};
  model::Inventory found = walked(files);
  EXPECT_THAT(told(found.packages), ElementsAre("java g:a 1.0"));
  EXPECT_THAT(found.gaps, IsEmpty());
}

TEST(Jars, SizesThatDoNotAgreeAreAGap) {
  for (const bool is_packed : {false, true}) {
    std::string jar = zip({{"a", "content"}}, is_packed);
    const std::size_t size = jar.find("PK\1\2") + 24;
    for (const char wrong : {'\6', '\10'}) {
      jar[size] = wrong;
      const auto entries = zip_entries(reader_of(jar), jar.size());
      EXPECT_EQ(kind_of([&] { zip_content(reader_of(jar), entries[0], 100); }), ErrorKind::corrupt);
    }
  }
}

TEST(Jars, HaveTheGroupThatAdvisoriesGiveThem) {
  MemoryFiles files{
      {"/opt/s.jar", zip({{"META-INF/MANIFEST.MF",
                           "Implementation-Title: spring-beans\nImplementation-Version: 5.3.1\n"},
                          {"X.class", "x"}})}};
  model::Inventory found = walked(files);
  EXPECT_THAT(told(found.packages), ElementsAre("java org.springframework:spring-beans 5.3.1"));
  EXPECT_THAT(found.gaps, IsEmpty());
}

TEST(Jars, AScriptMayStandBeforeOne) {
  const std::string jar = "#!/bin/sh\n" + zip({{"a", "content"}});
  const auto entries = zip_entries(reader_of(jar), jar.size());
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(zip_content(reader_of(jar), entries[0], 100), "content");
}

TEST(Jars, ADirectoryThatHidesEntriesIsAGap) {
  const std::string jar = zip({{"X.class", "x"}, {"Y.class", "y"}});
  std::string fewer = jar;
  fewer[fewer.size() - 12] = 1;
  EXPECT_EQ(kind_of([&] { zip_entries(reader_of(fewer), fewer.size()); }), ErrorKind::corrupt);
  EXPECT_THAT(zip_entries(reader_of(jar), jar.size()), SizeIs(2));
}

TEST(Jars, ArchivesInArchivesEnd) {
  std::string jar = zip({{"X.class", "x"}});
  for (int i = 0; i < 8; ++i) jar = zip({{"a.jar", jar}, {"b.jar", jar}});
  MemoryFiles files{{"/opt/a.jar", jar}};
  EXPECT_THAT(walked(files).gaps, ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace hallmark::scan
