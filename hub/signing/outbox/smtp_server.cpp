// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/outbox/smtp_server.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>

#include "hub/signing/outbox/letter.h"
#include "platform/base/bytes.h"
#include "platform/files/file.h"

namespace latchkey::hub::signing {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::size_t kPasswordMax = 1024;
constexpr std::size_t kUrlMax = 512;

// libcurl, loaded when there is a mail server: with the thirty libraries that it needs it would otherwise take every
// command of the command line ten milliseconds.
struct Curl {
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_url) url;
  decltype(&curl_url_set) url_set;
  decltype(&curl_url_get) url_get;
  decltype(&curl_url_cleanup) url_cleanup;
  decltype(&curl_free) free;

  bool find_all(void* library) {
    const auto find = [library](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
      return function != nullptr;
    };
    return find(easy_init, "curl_easy_init") && find(easy_setopt, "curl_easy_setopt") &&
           find(easy_perform, "curl_easy_perform") && find(easy_getinfo, "curl_easy_getinfo") &&
           find(easy_strerror, "curl_easy_strerror") && find(easy_cleanup, "curl_easy_cleanup") &&
           find(slist_append, "curl_slist_append") && find(slist_free_all, "curl_slist_free_all") &&
           find(url, "curl_url") && find(url_set, "curl_url_set") && find(url_get, "curl_url_get") &&
           find(url_cleanup, "curl_url_cleanup") && find(free, "curl_free");
  }
};

// Loaded once, and never unloaded; null when this machine has none.
const Curl* loaded_curl() {
  static const auto loaded = []() -> std::optional<Curl> {
    Curl curl{};
    void* const library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr || !curl.find_all(library)) return std::nullopt;
    return curl;
  }();
  return loaded ? &*loaded : nullptr;
}

// Where these are used the library is loaded.
struct CurlEnd {
  void operator()(CURL* handle) const { loaded_curl()->easy_cleanup(handle); }
};
struct ListEnd {
  void operator()(curl_slist* list) const { loaded_curl()->slist_free_all(list); }
};
struct UrlEnd {
  void operator()(CURLU* url) const { loaded_curl()->url_cleanup(url); }
};

// Gone from memory at its end.
struct Secret {
  std::string text;
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }
};

struct Place {
  std::string scheme;
  std::string host;
};

std::string part_of(const Curl& curl, CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl.url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl.free(text);
  return copy;
}

// Nothing when it is more, or less, than scheme, host and port.
std::optional<Place> place_of(const Curl& curl, const std::string& text) {
  const std::unique_ptr<CURLU, UrlEnd> url(curl.url());
  if (text.size() > kUrlMax || !url || curl.url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  const auto part = [&](CURLUPart which) { return part_of(curl, url.get(), which); };
  const Place place{part(CURLUPART_SCHEME), part(CURLUPART_HOST)};
  const std::string path = part(CURLUPART_PATH);
  const bool more = (!path.empty() && path != "/") || !part(CURLUPART_USER).empty() || !part(CURLUPART_QUERY).empty() ||
                    !part(CURLUPART_FRAGMENT).empty();
  if (more || place.host.empty() || (place.scheme != "smtp" && place.scheme != "smtps")) return std::nullopt;
  return place;
}

bool is_loopback(const std::string& host) { return host.starts_with("127.") || host == "[::1]" || host == "localhost"; }

// A file of ours that nobody else can read; a link is none.
Outcome<Nothing> check_secret(const std::string& file) {
  struct stat seen {};
  if (::lstat(file.c_str(), &seen) != 0) {
    return refuse(Reason::kInvalidArgument, file + ": " + std::strerror(errno));
  }
  if (!S_ISREG(seen.st_mode) || seen.st_uid != ::geteuid() || (seen.st_mode & 0177) != 0) {
    return refuse(Reason::kInvalidArgument, file + " must be a file of ours and closed to others (0600)");
  }
  return Nothing{};
}

bool read_password(const std::string& file, Secret& password) {
  auto content = check_secret(file) ? files::read_file(file, kPasswordMax) : fail(Status::kRefused);
  if (!content) return false;
  const auto end =
      std::find_if(content->begin(), content->end(), [](std::uint8_t c) { return c == '\n' || c == '\r'; });
  password.text.assign(content->begin(), end);
  wipe({content->data(), content->size()});
  return !password.text.empty();
}

struct Source {
  const std::string& letter;
  std::size_t read = 0;
};

std::size_t read_letter(char* out, std::size_t size, std::size_t count, void* of) {
  auto& source = *static_cast<Source*>(of);
  const std::size_t now = std::min(size * count, source.letter.size() - source.read);
  std::memcpy(out, source.letter.data() + source.read, now);
  source.read += now;
  return now;
}

int look_whether_given_up(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

// A reply of the kind "5yz" to the letter or its addresses ends it for good (RFC 5321 section 4.2.1). Not one about
// who we are (530 to 539, RFC 4954 section 6) or what the server can do.
bool is_refusal(CURLcode result, long reply, bool letter_was_sent) {
  if (reply < 500 || reply > 599 || (reply >= 500 && reply <= 504) || (reply >= 530 && reply <= 539)) return false;
  return result == CURLE_SEND_ERROR || letter_was_sent;
}

}  // namespace

Outcome<Nothing> SmtpServer::check(const Options& options) {
  const Curl* const library = loaded_curl();
  if (library == nullptr) {
    return refuse(Reason::kInvalidArgument, "mail needs libcurl.so.4 (Debian: libcurl4), which is not on this machine");
  }
  if (!place_of(*library, options.url)) {  // not said again: somebody may have put a password into it
    return refuse(Reason::kInvalidArgument,
                  "a mail server is smtp://HOST[:PORT] or smtps://HOST[:PORT]; who logs in has options of its own");
  }
  if (!is_plain_address(options.from)) {
    return refuse(Reason::kInvalidArgument, "'" + options.from + "' is no address that mail can be from");
  }
  if (options.user.empty() != options.password_file.empty()) {
    return refuse(Reason::kInvalidArgument, "a mail server's user and the file of the password go together");
  }
  if (!options.password_file.empty()) {
    LATCHKEY_TRY_VOID(check_secret(options.password_file));
    Secret password;
    if (!read_password(options.password_file, password)) {
      return refuse(Reason::kInvalidArgument, options.password_file + " has no password in its first line");
    }
  }
  if (!options.ca_file.empty() && ::access(options.ca_file.c_str(), R_OK) != 0) {
    return refuse(Reason::kInvalidArgument, options.ca_file + ": " + std::strerror(errno));
  }
  return Nothing{};
}

SmtpServer::Answer SmtpServer::send(const std::string& recipient, const std::string& letter) {
  if (given_up_) return {Sent::kLater, "given up"};
  if (!is_plain_address(recipient)) return {Sent::kRefused, "an address that a mail server would not take"};
  const Curl& library = *loaded_curl();  // check() has seen it
  const auto place = place_of(library, options_.url);
  const std::unique_ptr<CURL, CurlEnd> curl(library.easy_init());
  const std::unique_ptr<curl_slist, ListEnd> recipients(library.slist_append(nullptr, ("<" + recipient + ">").c_str()));
  Secret password;
  if (!curl || !recipients || !place) return {Sent::kLater, "out of memory"};
  if (!options_.user.empty() && !read_password(options_.password_file, password)) {
    return {Sent::kLater, "the file of the password cannot be read, or is not closed to others"};
  }
  Source source{letter};
  CURL* handle = curl.get();
  const auto set = [&](CURLoption option, auto value) {
    return library.easy_setopt(handle, option, value) == CURLE_OK;
  };
  const bool plain = place->scheme == "smtp" && is_loopback(place->host) && options_.ca_file.empty();
  const std::string from = "<" + options_.from + ">";
  bool ready = set(CURLOPT_URL, options_.url.c_str()) && set(CURLOPT_PROTOCOLS_STR, "smtp,smtps") &&
               set(CURLOPT_PROXY, "") && set(CURLOPT_NOSIGNAL, 1L) && set(CURLOPT_UPLOAD, 1L) &&
               set(CURLOPT_CONNECTTIMEOUT_MS, long{options_.connect_timeout_ms}) &&
               set(CURLOPT_TIMEOUT_MS, long{options_.timeout_ms}) && set(CURLOPT_MAIL_FROM, from.c_str()) &&
               set(CURLOPT_MAIL_RCPT, recipients.get()) && set(CURLOPT_READFUNCTION, &read_letter) &&
               set(CURLOPT_READDATA, static_cast<void*>(&source)) && set(CURLOPT_NOPROGRESS, 0L) &&
               set(CURLOPT_XFERINFOFUNCTION, &look_whether_given_up) &&
               set(CURLOPT_XFERINFODATA, static_cast<void*>(&given_up_)) &&
               set(CURLOPT_USE_SSL, long{plain ? CURLUSESSL_NONE : CURLUSESSL_ALL});
  if (!options_.ca_file.empty()) ready = ready && set(CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!options_.user.empty()) {
    ready = ready && set(CURLOPT_USERNAME, options_.user.c_str()) && set(CURLOPT_PASSWORD, password.text.c_str());
  }
  if (!ready) return {Sent::kLater, "this libcurl cannot do it"};
  const CURLcode result = library.easy_perform(handle);
  if (result == CURLE_OK) return {Sent::kTaken, {}};
  long reply = 0;
  library.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply);
  const std::string why =
      std::string(library.easy_strerror(result)) + (reply == 0 ? "" : " (reply " + std::to_string(reply) + ")");
  return {is_refusal(result, reply, source.read > 0) ? Sent::kRefused : Sent::kLater, why};
}

}  // namespace latchkey::hub::signing
