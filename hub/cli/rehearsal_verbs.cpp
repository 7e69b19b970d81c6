// SPDX-License-Identifier: Apache-2.0
// The verbs of a rehearsal: they speak to an API of its own (hub/rehearsal), which only the owner of the data folder
// reaches here.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

const Columns kClockCard = {{"NOW", "/now", As::kTime}, {"OFFSET", "/offset"}, {"RATE", "/rate"}};
const Columns kSnapshotColumns = {{"NAME", "/name"}, {"TAKEN", "/at", As::kTime}};

std::string snapshot_path(const Args& args) { return "/rehearsal/snapshots/" + percent_encode(args.text("name")); }

// The JSON in that file; - is the standard input.
Result<json, Failure> document_in(Session& session, const std::string& file) {
  std::ostringstream text;
  if (file == "-") {
    text << session.terminal().in.rdbuf();
  } else {
    std::ifstream in(file);
    if (!in) return fail(Failure{kExitBadInput, "the file " + file + " cannot be read"});
    text << in.rdbuf();
  }
  auto document = json::parse(text.str(), nullptr, false);
  if (document.is_discarded()) return fail(Failure{kExitBadInput, "the file " + file + " is not JSON"});
  return document;
}

// A number as it was typed, with a sign and a fraction if need be.
Result<double, Failure> number_of(const Args& args, const std::string& name) {
  std::istringstream in(args.text(name));
  double number = 0;
  if (in >> number && in.eof()) return number;
  return fail(Failure{kExitBadInput, "--" + name + " is a number, not '" + args.text(name) + "'"});
}

int show_clock(Session& session, const Args&) { return session.show("/rehearsal/clock", kClockCard); }

int set_clock(Session& session, const Args& args) {
  json body = json::object();
  if (args.has("now")) body["now"] = args.text("now");
  for (const char* name : {"offset", "rate"}) {
    if (!args.has(name)) continue;
    const auto number = number_of(args, name);
    if (!number) return session.failed(number.error());
    body[name] = *number;
  }
  if (args.has("backwards")) body["backwards"] = true;
  return session.act("PUT", "/rehearsal/clock", body, kClockCard);
}

int advance_clock(Session& session, const Args& args) {
  json body = json::object();
  double seconds = 0;
  for (const auto& [name, unit] : {std::pair{"seconds", 1.0}, {"hours", 3600.0}, {"days", 86400.0}}) {
    if (!args.has(name)) continue;
    const auto number = number_of(args, name);
    if (!number) return session.failed(number.error());
    seconds += *number * unit;
  }
  body["seconds"] = seconds;
  if (args.has("backwards")) body["backwards"] = true;
  return session.act("POST", "/rehearsal/clock/advance", body, kClockCard);
}

int show_faults(Session& session, const Args&) {
  const auto answer = call(session.api(), "GET", "/rehearsal/faults", {});
  if (!answer) return session.failed(answer.error());
  session.print_json(*answer);
  return 0;
}

int set_faults(Session& session, const Args& args) {
  const auto document = document_in(session, args.text("file"));
  if (!document) return session.failed(document.error());
  return session.act("PUT", "/rehearsal/faults", *document, "Faults are set.");
}

int clear_faults(Session& session, const Args&) {
  return session.act("DELETE", "/rehearsal/faults", {}, "Nothing goes wrong any more.");
}

int seed(Session& session, const Args& args) {
  const auto document = document_in(session, args.text("file"));
  if (!document) return session.failed(document.error());
  const auto answer = call(session.api(), "POST", "/rehearsal/seed", *document);
  if (!answer) return session.failed(answer.error());
  session.print_json(*answer);  // with the tokens, which nobody is told again
  return 0;
}

int reset(Session& session, const Args&) {
  if (const int no = session.confirm("Empty the registry and begin as a fresh data folder does?"); no != 0) return no;
  return session.act("POST", "/rehearsal/reset", {}, "The registry is as new.");
}

int list_snapshots(Session& session, const Args&) { return session.list("/rehearsal/snapshots", kSnapshotColumns); }

int take_snapshot(Session& session, const Args& args) {
  return session.act("PUT", snapshot_path(args), {}, kSnapshotColumns);
}

int restore_snapshot(Session& session, const Args& args) {
  const auto name = args.text("name");
  if (const int no = session.confirm("Replace the registry by snapshot '" + name + "'?"); no != 0) return no;
  return session.act("POST", snapshot_path(args) + "/restore", {}, "The registry is that of '" + name + "'.");
}

int remove_snapshot(Session& session, const Args& args) {
  const auto name = args.text("name");
  if (const int no = session.confirm("Delete snapshot '" + name + "'?"); no != 0) return no;
  return session.act("DELETE", snapshot_path(args), {}, "Snapshot '" + name + "' is deleted.");
}

}  // namespace

std::vector<Verb> rehearsal_verbs() {
  const Option file = {"-f,--file", "the JSON document; - reads it from the standard input", Takes::kText, true};
  const Option backwards = {"--backwards", "time may go back", Takes::kNothing};
  const Option name = name_option("the snapshot's name");
  return {
      {"rehearsal", "seed", {}, "Make what a document names, all of it or nothing", {file}, seed},
      {"rehearsal", "reset", {}, "Empty the registry and begin as a fresh data folder does", {}, reset, true},
      {"rehearsal clock", "show", {}, "Show the rehearsal's time", {}, show_clock},
      {"rehearsal clock",
       "set",
       {},
       "Set the time, or how fast it runs",
       {{"--now", "a time in UTC: 2027-01-31T12:00:00Z"},
        {"--offset", "seconds from real time"},
        {"--rate", "how fast time runs; 1 is real, 0 stands still"},
        backwards},
       set_clock},
      {"rehearsal clock",
       "advance",
       {},
       "Let time go on by so much",
       {{"--seconds", "seconds"}, {"--hours", "hours"}, {"--days", "days"}, backwards},
       advance_clock},
      {"rehearsal faults", "show", {}, "Show what goes wrong, and how often it did", {}, show_faults},
      {"rehearsal faults", "set", {}, "Say what goes wrong from now on", {file}, set_faults},
      {"rehearsal faults", "clear", {}, "Let nothing go wrong any more", {}, clear_faults},
      {"rehearsal snapshot", "list", {}, "List the snapshots", {}, list_snapshots},
      {"rehearsal snapshot", "create", {}, "Keep the state as a whole under a name", {name}, take_snapshot},
      {"rehearsal snapshot", "restore", {}, "Go back to a snapshot", {name}, restore_snapshot, true},
      {"rehearsal snapshot", "delete", {}, "Delete a snapshot", {name}, remove_snapshot, true},
  };
}

}  // namespace latchkey::hub::cli
