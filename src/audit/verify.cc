#include "audit/verify.h"

#include <algorithm>
#include <charconv>

#include "audit/plain_json.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/text.h"

namespace hallmark::audit {

namespace {

/// Each signature vouches for every entry before it; checking one costs as much as the digests of
/// some two hundred entries.
constexpr std::size_t kSignatureInterval = 1024;
constexpr std::size_t kMostProblems = 20;
constexpr std::size_t kPage = 10'000;

/// Base64 that may be anything: what cannot be read verifies nothing.
std::string decoded(const std::string& base64) {
  try {
    return base64_decode(base64);
  } catch (const Error&) {
    return {};
  }
}

std::string text_member(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Verifier::Verifier(PublicKey first, std::optional<Head> known)
    : keys_{std::move(first)}, known_(std::move(known)) {}

void Verifier::problem(std::string text) {
  if (report_.problems.size() < kMostProblems) report_.problems.push_back(std::move(text));
}

void Verifier::add(const Entry& entry) {
  const std::int64_t expected = report_.entries + 1;
  if (entry.sequence != expected) {
    problem(fmt::format("entry {} stands where entry {} should be", entry.sequence, expected));
  }
  report_.entries = expected;
  if (sha256_hex(entry.text) != entry.digest) {
    problem(fmt::format("entry {} was edited: its digest is not that of its text", expected));
  }
  if (entry.key_id != keys_.back().id()) {
    problem(fmt::format("entry {} is signed with key {}, not with {}", expected, entry.key_id,
                        keys_.back().id()));
  }
  unchecked_.push_back({expected, entry.digest, entry.signature});
  check_content(entry);
  report_.last_digest = entry.digest;
  if (known_ && known_->sequence == expected && known_->digest != entry.digest) {
    problem(fmt::format("entry {} is not the one that was last known as such", expected));
  }
  if (unchecked_.size() >= kSignatureInterval) check_signatures();
}

void Verifier::check_content(const Entry& entry) {
  // Nearly every entry; what is not as it should be is looked at again, slowly.
  if (auto plain = plain_object(entry.text)) {
    if (plain->json("sequence") == std::to_string(report_.entries) &&
        plain->text("previous").value_or("") == report_.last_digest &&
        plain->text("action") != kKeyRotated) {
      return;
    }
  }
  Json json = Json::parse(entry.text, nullptr, false);
  if (!json.is_object()) return problem(fmt::format("entry {} is no JSON", report_.entries));
  auto sequence = json.find("sequence");
  if (sequence == json.end() || *sequence != Json(report_.entries)) {
    problem(fmt::format("entry {} says of itself that it is another", report_.entries));
  }
  if (text_member(json, "previous") != report_.last_digest) {
    problem(
        fmt::format("entry {} does not follow the one before it: one was dropped, added or changed",
                    report_.entries));
  }
  if (text_member(json, "action") != kKeyRotated) return;
  // The old key must vouch for the new one before that is believed.
  check_signatures();
  auto detail = json.find("detail");
  PublicKey next{detail == json.end() ? std::string()
                                      : decoded(text_member(*detail, "public_key"))};
  keys_.push_back(std::move(next));
}

void Verifier::check_signatures() {
  auto holds = [&](const Signature& signature) {
    return verify(keys_.back(), entry_message(signature.digest), decoded(signature.signature));
  };
  if (!unchecked_.empty() && !holds(unchecked_.back())) {
    auto bad = std::find_if_not(unchecked_.begin(), unchecked_.end(), holds);
    problem(fmt::format("entry {} has no valid signature of key {}: it or one before it was forged",
                        bad->sequence, keys_.back().id()));
  }
  unchecked_.clear();
}

bool Verifier::is_signed_head(const Head& head) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const PublicKey& key) {
    return key.id() == head.key_id &&
           verify(key, head_message(head.sequence, head.digest), decoded(head.signature));
  });
}

VerifyReport Verifier::finish(const std::optional<Head>& end) {
  check_signatures();
  if (known_ && report_.entries < known_->sequence) {
    problem(
        fmt::format("the log ends at entry {}, but entry {} was once there: its end was cut off",
                    report_.entries, known_->sequence));
  }
  if (known_ && !is_signed_head(*known_)) {
    problem("the remembered end of the log is not signed with a key of this log");
  }
  if (end && (end->sequence != report_.entries || end->digest != report_.last_digest)) {
    problem(fmt::format("the log ends at entry {}, but should end at entry {}", report_.entries,
                        end->sequence));
  }
  if (end && !is_signed_head(*end)) {
    problem("the end of the log is not signed with a key of this log");
  }
  return report_;
}

namespace {

std::optional<Head> known_head(const Path& directory) {
  auto text = read_file_if_exists(directory / kHeadFile);
  if (!text) return std::nullopt;
  return parse_json(*text, (directory / kHeadFile).string()).get<Head>();
}

/// A line of an export as export_log writes nearly all; nothing: it must be parsed.
std::optional<Entry> plain_entry(std::string_view line) {
  auto plain = plain_object(line);
  if (!plain || !plain->json("head").empty()) return std::nullopt;
  const std::string_view number = plain->json("sequence");
  Entry entry;
  auto [end, failure] =
      std::from_chars(number.data(), number.data() + number.size(), entry.sequence);
  if (failure != std::errc() || end != number.data() + number.size()) return std::nullopt;
  for (auto [name, member] : {std::pair{"entry", &Entry::text},
                              {"digest", &Entry::digest},
                              {"key_id", &Entry::key_id},
                              {"signature", &Entry::signature}}) {
    auto text = plain->text(name);
    if (!text) return std::nullopt;
    entry.*member = *std::move(text);
  }
  return entry;
}

template <typename Use>
void each_entry(Log& log, Use use) {
  std::int64_t after = 0;
  for (;;) {
    std::vector<Entry> page = log.read(after, kPage);
    for (const Entry& entry : page) use(entry);
    if (page.size() < kPage) return;
    after = page.back().sequence;
  }
}

}  // namespace

VerifyReport verify_log(Log& log, const PublicKey& first_key) {
  // The head first: entries that are added meanwhile come after it.
  std::optional<Head> head = known_head(log.directory());
  Verifier verifier(first_key, head);
  each_entry(log, [&](const Entry& entry) { verifier.add(entry); });
  VerifyReport report = verifier.finish();
  if (!head && report.entries > 0) {
    report.problems.push_back(fmt::format("{} is not there: a cut end would not show",
                                          (log.directory() / kHeadFile).string()));
  }
  return report;
}

void export_log(Log& log, std::ostream& out) {
  Head head;
  each_entry(log, [&](const Entry& entry) {
    out << compact({{"entry", entry.text},
                    {"sequence", entry.sequence},
                    {"digest", entry.digest},
                    {"key_id", entry.key_id},
                    {"signature", entry.signature}})
        << "\n";
    head = {.sequence = entry.sequence, .digest = entry.digest};
  });
  SigningKey key = SigningKey::read(log.directory() / kSigningKeyFile);
  head.key_id = key.public_key().id();
  head.signature = base64_encode(key.sign(head_message(head.sequence, head.digest)));
  out << compact({{"head", head}}) << "\n";
}

VerifyReport verify_export(std::istream& in, const PublicKey& first_key,
                           const std::string& origin) {
  Verifier verifier(first_key, std::nullopt);
  std::optional<Head> head;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (head) {
      throw Error(ErrorKind::corrupt, "{}:{}: there is more after the end", origin, number);
    }
    if (auto entry = plain_entry(line)) {
      verifier.add(*entry);
      continue;
    }
    const std::string place = fmt::format("{}:{}", origin, number);
    Json json = parse_json(line, place);
    try {
      if (json.contains("head")) {
        head = member<Head>(json, "head");
      } else {
        verifier.add({.sequence = member<std::int64_t>(json, "sequence"),
                      .text = member<std::string>(json, "entry"),
                      .digest = member<std::string>(json, "digest"),
                      .key_id = member<std::string>(json, "key_id"),
                      .signature = member<std::string>(json, "signature")});
      }
    } catch (Error& e) {
      throw std::move(e.note("in " + place));
    }
  }
  if (!head) {
    VerifyReport report = verifier.finish();
    report.problems.push_back("the last line is not there: the end was cut off");
    return report;
  }
  return verifier.finish(head);
}

PublicKey first_key(const Path& directory) {
  const Path file = directory / kFirstKeyFile;
  return public_key_from_pem(read_file(file), file.string());
}

}  // namespace hallmark::audit
