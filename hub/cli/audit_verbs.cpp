// SPDX-License-Identifier: Apache-2.0
// The audit: looking at it, taking it away as JSON lines, and asking whether it is whole.
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "hub/cli/internal/private_file.h"
#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kColumns = {{"NUMBER", "/number"}, {"AT", "/at", As::kTime},  {"ACTOR", "/actor"},    {"FROM", "/source"},
                          {"ACTION", "/action"}, {"RESOURCE", "/resource"}, {"OUTCOME", "/outcome"}};
const Columns kCard = {{"NUMBER", "/number"},   {"AT", "/at", As::kTime}, {"ACTOR", "/actor"},
                       {"FROM", "/source"},     {"ACTION", "/action"},    {"RESOURCE", "/resource"},
                       {"OUTCOME", "/outcome"}, {"DETAIL", "/detail"},    {"BEFORE", "/before"},
                       {"AFTER", "/after"},     {"HASH", "/hash"},        {"PREVIOUS", "/previousHash"}};
constexpr std::size_t kExportPage = 1000;

int list(Session& session, const Args& args) {
  const auto limit = args.count("limit");
  return session.list("/audit?" + top_query(limit), kColumns, limit);
}

std::string from(std::size_t number, std::size_t top) {
  return "/audit?" + top_query(top) + "&from=" + std::to_string(number);
}

int show(Session& session, const Args& args) {
  const auto number = args.count("number");
  const auto answer = call(session.api(), "GET", from(number, 1), {});
  if (!answer) return session.failed(answer.error());
  const auto value = answer->value("value", json::array());
  if (value.size() != 1 || value[0].value("number", std::size_t{0}) != number) {
    return session.failed({kExitNotFound, "there is no audit record " + std::to_string(number)});
  }
  if (session.json_wanted()) {
    session.print_json(value[0]);
  } else {
    print_card(session.terminal().out, value[0], kCard);
  }
  return 0;
}

int head(Session& session, const Args&) {
  const auto answer = call(session.api(), "GET", "/audit/head", {});
  if (!answer) return session.failed(answer.error());
  if (session.json_wanted()) {
    session.print_json(*answer);
  } else {
    session.terminal().out << answer->value("head", "") << '\n';
  }
  return 0;
}

int verify(Session& session, const Args& args) {
  const auto query = args.has("head") ? "?head=" + percent_encode(args.text("head")) : "";
  const auto answer = call(session.api(), "GET", "/audit/verification" + query, {});
  if (!answer) return session.failed(answer.error());
  if (session.json_wanted()) session.print_json(*answer);
  if (!answer->value("intact", false)) {
    const auto fault = answer->value("fault", json::object());
    return session.failed({kExitRefused, "the audit is not intact: " + fault.value("message", "no reason given")});
  }
  if (!session.json_wanted()) {
    session.terminal().out << "intact: " << answer->value("count", std::size_t{0}) << " records, head "
                           << answer->value("head", "") << '\n';
  }
  return 0;
}

// Where the lines go: a new file, or the terminal's output for "-".
class Lines {
 public:
  explicit Lines(std::ostream& out) : out_(out) {}
  ~Lines() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Lines(const Lines&) = delete;

  Result<void, Failure> open(const std::string& file) {
    if (file == "-") return {};
    LATCHKEY_TRY(made, create_private_file(file));
    descriptor_ = made;
    return {};
  }
  bool write(const std::string& lines) {
    if (descriptor_ >= 0) return write_all(descriptor_, lines);
    return static_cast<bool>(out_ << lines << std::flush);
  }

 private:
  std::ostream& out_;
  int descriptor_ = -1;
};

// Up to the head as it is now: what is added meanwhile comes with the next export.
int export_records(Session& session, const Args& args) {
  const auto until = call(session.api(), "GET", "/audit/head", {});
  if (!until) return session.failed(until.error());
  const auto last = until->value("count", std::size_t{0});
  const std::string& file = args.text("out");
  Lines lines(session.terminal().out);
  if (const auto opened = lines.open(file); !opened) return session.failed(opened.error());

  std::size_t written = 0;
  std::string next = from(args.count("from"), kExportPage);
  while (!next.empty()) {
    const auto page = call(session.api(), "GET", next, {});
    if (!page) return session.failed(page.error());
    std::string text;
    bool end = false;
    for (const auto& record : page->value("value", json::array())) {
      end = record.value("number", std::size_t{0}) > last;
      if (end) break;
      text += record.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
      ++written;
    }
    if (!lines.write(text)) return session.failed({kExitOurFault, "cannot write " + file});
    next = end ? "" : page->value("nextLink", "");
  }
  session.terminal().err << "exported " << written << " records, up to the head " << until->value("head", "") << '\n';
  return 0;
}

}  // namespace

std::vector<Verb> audit_verbs() {
  const Option limit = {"--limit", "show this many at the most, newest first", Takes::kCount, false, "50"};
  const Option number = {"-n,--number", "its number, as list shows it", Takes::kCount, true};
  const Option noted = {"--head", "COUNT:HASH, a head that was noted elsewhere and has to be part of the chain"};
  const Option first = {"--from", "begin with the record of this number", Takes::kCount, false, "1"};
  const Option out = {"--out", "a new file, for its owner alone; - for standard output", Takes::kText, false, "-"};
  return {
      {"audit", "list", {}, "List the audit records", {limit}, list},
      {"audit", "show", {}, "Show a record with what it changed, before and after", {number}, show},
      {"audit", "head", {}, "Show how many records there are, and the hash of the newest", {}, head},
      {"audit",
       "verify",
       {},
       "Walk all records; exit status 4 and the number of the first that was changed, removed or inserted",
       {noted},
       verify},
      {"audit", "export", {}, "Write the records as JSON lines, oldest first", {first, out}, export_records},
  };
}

}  // namespace latchkey::hub::cli
