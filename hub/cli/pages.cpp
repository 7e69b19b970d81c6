// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/pages.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace latchkey::hub::cli {
namespace {

std::string command_of(const Verb& verb) {
  return "latchkey " + (verb.noun.empty() ? "" : verb.noun + " ") + verb.name;
}

// What stands for a value: NAME, NUMBER, or the values to choose from.
std::string value_of(const Option& option) {
  if (option.takes == Takes::kNothing) return "";
  std::string text;
  for (const auto& value : option.values) text += (text.empty() ? "" : "|") + value;
  if (!text.empty()) return text;
  if (option.takes == Takes::kCount) return "NUMBER";
  for (const char c : key_of(option)) {
    text += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return text;
}

// "-n, --name NAME"
std::string heading_of(const Option& option) {
  std::string text;
  std::istringstream names(option.names);
  for (std::string name; std::getline(names, name, ',');) {
    if (name.front() == '-') text += (text.empty() ? "" : ", ") + name;
  }
  const auto value = value_of(option);
  return value.empty() ? text : text + " " + value;
}

std::string explained(const Option& option) {
  std::string text = option.help;
  if (option.required) text += " (required)";
  if (!option.usual.empty()) text += " (" + option.usual + " when it is not given)";
  return text;
}

std::vector<Option> options_of(const Verb& verb) {
  auto options = verb.options;
  if (verb.irreversible) options.push_back({"-y,--yes", "do not ask for confirmation", Takes::kNothing});
  return options;
}

// For each noun, and once for the verbs without one: what is said of it, then of its verbs.
template <class SayNoun, class SayVerb>
void walk(SayNoun say_noun, SayVerb say_verb) {
  const auto verbs = all_verbs();
  const auto verbs_of = [&](const std::string& noun) {
    for (const auto& verb : verbs) {
      if (verb.noun == noun) say_verb(verb);
    }
  };
  for (const auto& noun : nouns()) {
    say_noun(noun);
    verbs_of(noun.name);
  }
  verbs_of("");
}

// A pipe would end a table's cell.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

// Backslashes and dashes mean something to roff, and so do a dot or an apostrophe at the start of a line.
std::string roff(const std::string& text) {
  std::string escaped;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) escaped += "\\&";
    escaped += c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c);
    at_start = c == '\n';
  }
  return escaped;
}

}  // namespace

std::string key_of(const Option& option) {
  const auto start = option.names.find("--") + 2;
  return option.names.substr(start, option.names.find(',', start) - start);
}

std::string example_of(const Verb& verb) {
  const auto command = command_of(verb);
  for (const auto& noun : nouns()) {
    if (noun.name != verb.noun) continue;
    // A line that ends in a backslash goes on in the next one.
    for (auto start = noun.example.find(command); start != std::string::npos;
         start = noun.example.find(command, start + 1)) {
      const auto after = start + command.size();
      if (after < noun.example.size() && noun.example[after] != ' ' && noun.example[after] != '\n') continue;
      auto end = noun.example.find('\n', start);
      while (end != std::string::npos && noun.example[end - 1] == '\\') end = noun.example.find('\n', end + 1);
      return noun.example.substr(start, end - start);
    }
  }
  std::string example = command;
  for (const auto& option : verb.options) {
    if (!option.required) continue;
    example += " " + option.names.substr(0, option.names.find(','));
    if (option.takes != Takes::kNothing) example += " " + (option.values.empty() ? value_of(option) : option.values[0]);
  }
  return example;
}

std::string reference_page() {
  std::ostringstream page;
  walk(
      [&](const Noun& noun) {
        page << "\n## latchkey " << noun.name << "\n\n" << noun.help << ".\n\n```sh\n";
        std::istringstream lines(noun.example);
        for (std::string line; std::getline(lines, line);) {
          page << (line.rfind("  latchkey", 0) == 0 ? line.substr(2) : line) << '\n';
        }
        page << "```\n";
      },
      [&](const Verb& verb) {
        page << (verb.noun.empty() ? "\n## " : "\n### ") << command_of(verb) << "\n\n" << verb.help << ".\n";
        for (const auto& alias : verb.aliases) page << "Also: `" << alias << "`.\n";
        const auto options = options_of(verb);
        if (!options.empty()) page << "\n| Option | |\n|---|---|\n";
        for (const auto& option : options) {
          page << "| `" << cell(heading_of(option)) << "` | " << cell(explained(option)) << " |\n";
        }
      });
  return page.str();
}

// Of the verbs that are more than a call, or none, of a hub (hub/app): those for signed files, where a manual is needed
// most. tests/integration/signing/verify_verb_test.cpp holds it to their --help.
constexpr const char* kSignedFiles =
    R"(.SH SIGNED FILES
.TP
.B latchkey sign FILE \-\-account NAME \-\-profile NAME \-\-token\-file FILE
Sign a file with a certificate profile of a running hub's signing service, and stamp it.
.RS
.TP
.B \-a, \-\-account NAME
the signing account (required).
.TP
.B \-p, \-\-profile NAME
its certificate profile (required).
.TP
.B \-\-token\-file FILE
a file with the token of somebody who may sign.
.TP
.B \-\-out FILE
FILE.p7s and FILE.lkb when it is not given; of a program it has to be.
.TP
.B \-\-kind p7s|pe|bundle
a detached signature, Authenticode or a firmware bundle.
.TP
.B \-\-algorithm NAME
RS, PS or ES with 256, 384 or 512, or ES256K; RS256 when not given.
.TP
.B \-\-no\-timestamp
sign without one: valid as long as the certificate is.
.TP
.B \-\-timestamp\-url URL
another timestamping authority than the service's.
.TP
.B \-\-force
write over a file that is there.
.TP
.B \-\-board NAME, \-\-version X.Y.Z, \-\-min\-version X.Y.Z, \-\-requires PART=X.Y.Z
of a bundle: what the image is for, and what it asks for.
.TP
.B \-\-endpoint URL, \-\-ca FILE
another data plane than the data folder's, and the CA of its certificate.
.RE
.TP
.B latchkey verify FILE \-\-ca\-file FILE
Say whether a signed file is valid, since when not, and why. It needs no hub.
.RS
.TP
.B \-\-signature FILE
its detached signature; without it FILE is a program or a firmware bundle.
.TP
.B \-\-ca\-file FILE, \-\-tsa\-ca\-file FILE
roots of signing certificates and of timestamps; repeatable.
.TP
.B \-\-crl\-file FILE
revocation lists; repeatable.
.TP
.B \-\-eku OID
the durable EKU of the profile that must have signed it.
.TP
.B \-\-at TIME
judge as of this moment, 2026\-01\-01T10:00:00Z.
.TP
.B \-\-accept\-unknown\-revocation
take a certificate that no revocation list in force speaks of for good.
.TP
.B \-o, \-\-output table|json
a sentence, or the whole verdict.
.RE
)";

std::string manual_page() {
  std::ostringstream page;
  page << ".TH LATCHKEY 1\n.SH NAME\nlatchkey \\- rehearse device certificates and their revocation on your machine\n"
          ".SH SYNOPSIS\n.B latchkey\n[\\-\\-data FOLDER] [\\-o table|json] NOUN VERB [options]\n.SH DESCRIPTION\n"
          "Every verb is one call to a running hub. Start one with \\fBlatchkey up\\fR, then ask \\fBlatchkey "
          "status\\fR.\n\\fBlatchkey NOUN VERB \\-\\-help\\fR says the same as this page.\n.SH COMMANDS\n";
  walk([&](const Noun& noun) { page << ".SS latchkey " << roff(noun.name) << '\n'
                                    << roff(noun.help) << ".\n"; },
       [&](const Verb& verb) {
         page << ".TP\n.B " << roff(command_of(verb)) << '\n' << roff(verb.help) << ".\n.RS\n";
         for (const auto& option : options_of(verb)) {
           page << ".TP\n.B " << roff(heading_of(option)) << '\n' << roff(explained(option)) << ".\n";
         }
         page << ".RE\n";
       });
  page << kSignedFiles;
  page << ".SH EXIT STATUS\n0 done, 1 our fault, 2 bad input, 3 not found, 4 refused, 5 try again (also: no hub is "
          "running).\n.SH ENVIRONMENT\n.TP\n.B LATCHKEY_DATA\nthe data folder when \\-\\-data is not given.\n";
  return page.str();
}

}  // namespace latchkey::hub::cli
