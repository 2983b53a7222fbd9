#pragma once
/// Readers of feeds. None trusts what it reads: a record that makes no sense is counted and left
/// out; what is not a feed of its kind at all is `corrupt`, with the way out.

#include <string>
#include <string_view>
#include <vector>

#include "scan/advisory/advisory.h"
#include "scan/advisory/feed_file.h"

namespace hallmark::scan {

/// "osv", "debian-tracker", "secdb", "updateinfo", "csaf", "oval".
const std::vector<std::string>& feed_kinds();

/// What a distribution itself says comes before what others say of it.
bool is_own_word(std::string_view kind);

/// Reads all of the file. `ecosystem` stands for what a feed does not say itself: the release of an
/// OVAL or updateinfo file; empty: as the feed says. Throws `usage` for an unknown kind, `corrupt`.
void read_feed(std::string_view kind, FeedFile& file, std::string_view ecosystem,
               AdvisorySink& sink);

/// One of each kind, for their tests and fuzzing. OSV: one record, or an array of them.
void read_osv(FeedFile& file, AdvisorySink& sink);
void read_debian_tracker(FeedFile& file, AdvisorySink& sink);
void read_secdb(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink);
void read_csaf(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink);
void read_updateinfo(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink);
void read_oval(FeedFile& file, std::string_view ecosystem, AdvisorySink& sink);

}  // namespace hallmark::scan
