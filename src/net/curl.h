#pragma once
/// What every use of libcurl in this room shares.

#include <curl/curl.h>

#include "base/error.h"

namespace hallmark::net {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// To be called before anything else of libcurl; again is fine, from any thread.
void start_curl();

/// What a failed transfer means to us.
ErrorKind kind_of(CURLcode code);

}  // namespace hallmark::net
