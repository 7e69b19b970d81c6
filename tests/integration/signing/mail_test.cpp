// SPDX-License-Identifier: Apache-2.0
// The outbox and a real mail server, aiosmtpd: what arrives, what waits, and what ends in the maildir.
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "hub/app/base/endpoints.h"
#include "hub/app/signing/signing_watch.h"
#include "hub/brokers/server_certificate.h"
#include "hub/http/server.h"
#include "platform/files/file.h"
#include "tests/support/subprocess.h"
#include "tests/unit/registry/signing/signing_fixture.h"

namespace latchkey::tests {
namespace {

using hub::signing::Outbox;
using hub::signing::SmtpServer;
using nlohmann::json;
using registry::Reason;
using testing::HasSubstr;
using testing::Not;

void wait_until(const std::function<bool()>& what) {
  while (!what()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

class MailServer {
 public:
  explicit MailServer(std::vector<std::string> options = {}) {
    std::filesystem::create_directory(folder_.path() / "mails");
    std::vector<std::string> command = {LATCHKEY_PYTHON, LATCHKEY_MAIL_SERVER, (folder_.path() / "port").string(),
                                        (folder_.path() / "mails").string()};
    command.insert(command.end(), options.begin(), options.end());
    process_ = std::make_unique<Subprocess>(command, folder_.path() / "log");
    wait_until([this] { return !read_text(folder_.path() / "port").empty() || !process_->running(); });
    EXPECT_TRUE(process_->running()) << read_text(folder_.path() / "log");
  }
  std::string port() const { return read_text(folder_.path() / "port"); }
  // As they came.
  std::vector<json> mails() const {
    std::vector<std::filesystem::path> files;
    for (const auto& one : std::filesystem::directory_iterator(folder_.path() / "mails")) {
      if (one.path().extension() == ".json") files.push_back(one.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<json> all;
    for (const auto& file : files) all.push_back(json::parse(read_text(file)));
    return all;
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Subprocess> process_;
};

class MailTest : public registry::signing::SigningTest {
 protected:
  void SetUp() override {
    SigningTest::SetUp();
    prepare();
    make_account();
    make_validation(registry::signing::organization());  // three e-mails: one to verify, two of the status
    waiting = mails();
    ASSERT_EQ(waiting.size(), 3u);
  }
  SmtpServer::Options to(const std::string& port, const std::string& scheme = "smtp",
                         const std::string& host = "localhost") {
    SmtpServer::Options options;
    options.url = scheme + "://" + host + ":" + port;
    options.from = "hub@contoso.com";
    return options;
  }
  void open(SmtpServer::Options options) {
    const auto checked = SmtpServer::check(options);
    ASSERT_TRUE(checked) << checked.error().detail;
    server = std::make_unique<SmtpServer>(std::move(options));
    auto opened = Outbox::open(validations(), {maildir, server.get(), [this] { return real_ms; }});
    ASSERT_TRUE(opened) << opened.error().detail;
    outbox = std::make_unique<Outbox>(std::move(*opened));
  }
  void with_password(SmtpServer::Options& options, const std::string& password) {
    options.user = "hub";
    options.password_file = folder.file("password");
    ASSERT_TRUE(files::replace_file(options.password_file, ByteView(password + "\n")));
  }
  std::string send_refused(Reason reason) {
    const auto sent = outbox->send(call.now);
    EXPECT_FALSE(sent);
    if (sent) return {};
    EXPECT_EQ(registry::to_string(sent.error().reason), registry::to_string(reason)) << sent.error().detail;
    return sent.error().detail;
  }
  std::size_t in_maildir() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(maildir / "new"), {}));
  }
  // A port where nobody listens yet.
  static std::string free_port() { return std::to_string(hub::app::choose_port({"127.0.0.1", 0})->port); }
  // Certificate, key and the CA that they are below.
  hub::brokers::ServerCertificateFiles certificate(const std::string& name) {
    return *hub::brokers::ensure_server_certificate(folder.file(name), {{"localhost"}, {"127.0.0.1"}});
  }

  std::filesystem::path maildir = folder.file("outbox");
  std::int64_t real_ms = 0;
  std::vector<registry::signing::Mail> waiting;
  std::unique_ptr<SmtpServer> server;
  std::unique_ptr<Outbox> outbox;
};

// Rows: S-6-65, S-6-130
TEST_F(MailTest, server_is_told_each_e_mail_once_and_in_order) {
  MailServer mail;
  open(to(mail.port()));
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 3u);
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 0u);
  const auto seen = mail.mails();
  ASSERT_EQ(seen.size(), 3u);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i]["from"], "hub@contoso.com");
    EXPECT_EQ(seen[i]["to"], json::array({waiting[i].recipient}));
    const std::string text = seen[i]["text"];
    EXPECT_THAT(text, HasSubstr("To: <" + waiting[i].recipient + ">\r\n"));
    EXPECT_THAT(text, HasSubstr("Subject: " + waiting[i].subject + "\r\n"));
    EXPECT_THAT(text, HasSubstr("From: Latchkey signing <hub@contoso.com>\r\n"));
  }
  EXPECT_EQ(in_maildir(), 0u);
  EXPECT_TRUE(mails().empty());
}

TEST_F(MailTest, lines_that_begin_with_a_dot_and_letters_of_all_languages_arrive) {
  const auto one = registry::signing::must(validations().list(all(), call.now)).front();
  const std::string dots = "first\n.\n..second\n.third\n";
  for (const std::string& body : {dots, std::string("Gr\xc3\xbc\xc3\x9f"
                                                    "e\n")}) {
    ASSERT_TRUE(rows_of(*registry).keep_rows([&](registry::store::Database& db) {
      return registry::signing::Validations::write_to(db, one, "Words", body, call.now);
    }));
  }
  MailServer mail;
  open(to(mail.port()));
  ASSERT_TRUE(outbox->send(call.now));
  const auto seen = mail.mails();
  ASSERT_EQ(seen.size(), 7u);
  EXPECT_THAT(seen[3]["text"].get<std::string>(), testing::EndsWith("\r\n\r\nfirst\r\n.\r\n..second\r\n.third\r\n"));
  EXPECT_THAT(seen[5]["text"].get<std::string>(), HasSubstr("base64\r\n\r\nR3LDvMOfZQo=\r\n"));
}

// Rows: S-6-130
TEST_F(MailTest, server_that_is_down_is_asked_again_later_and_later_and_nothing_is_lost) {
  const auto port = free_port();
  open(to(port));
  EXPECT_THAT(send_refused(Reason::kPreconditionFailed), HasSubstr("e-mails wait"));
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 0u) << "not asked again at once";
  EXPECT_EQ(mails().size(), 3u);
  for (int i = 0; i < 12; ++i) {
    real_ms += Outbox::kPauseMostMs;
    send_refused(Reason::kPreconditionFailed);
  }
  real_ms += Outbox::kPauseMostMs - 1;
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 0u) << "the pause has grown to the longest";
  real_ms += 1;
  MailServer mail({"--port", port});
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 3u) << "and no longer";
  EXPECT_EQ(mail.mails().size(), 3u);
  EXPECT_EQ(in_maildir(), 0u);
}

// Rows: S-6-130
TEST_F(MailTest, what_has_waited_for_four_days_goes_into_the_maildir) {
  open(to(free_port()));
  call.now = waiting[0].created + Outbox::kGiveUpMs - 1;
  send_refused(Reason::kPreconditionFailed);
  EXPECT_EQ(in_maildir(), 0u);
  real_ms += Outbox::kPauseMostMs;
  call.now += 1;
  EXPECT_THAT(send_refused(Reason::kPreconditionFailed), HasSubstr("3 no more"));
  EXPECT_EQ(in_maildir(), 3u);
  EXPECT_TRUE(mails().empty());
}

// Rows: S-6-130
TEST_F(MailTest, what_the_server_refuses_for_good_goes_into_the_maildir_and_the_others_arrive) {
  MailServer mail({"--refuse", "ops@contoso.com"});
  open(to(mail.port()));
  EXPECT_THAT(send_refused(Reason::kInvalidArgument), HasSubstr("reply 550"));
  const auto refused = static_cast<std::size_t>(std::count_if(
      waiting.begin(), waiting.end(), [](const auto& one) { return one.recipient == "ops@contoso.com"; }));
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(in_maildir(), refused);
  EXPECT_EQ(mail.mails().size(), 3u - refused);
  EXPECT_TRUE(mails().empty());
}

TEST_F(MailTest, server_that_says_later_is_asked_later) {
  MailServer mail({"--later"});
  open(to(mail.port()));
  EXPECT_THAT(send_refused(Reason::kPreconditionFailed), HasSubstr("reply 451"));
  EXPECT_EQ(mails().size(), 3u);
  EXPECT_EQ(in_maildir(), 0u);
}

TEST_F(MailTest, who_logs_in_is_let_in_by_the_right_password_alone) {
  MailServer mail({"--user", "hub", "--password", "open sesame"});
  auto options = to(mail.port());
  with_password(options, "open barley");
  open(options);
  const auto told = send_refused(Reason::kPreconditionFailed);
  EXPECT_THAT(told, Not(HasSubstr("barley")));
  EXPECT_EQ(mails().size(), 3u) << "a wrong password is no reason to give e-mails up";
  with_password(options, "open sesame");  // read again for each e-mail
  real_ms += Outbox::kPauseMostMs;
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 3u);
  real_ms += Outbox::kPauseMostMs;
  ASSERT_EQ(::chmod(options.password_file.c_str(), 0644), 0);
  make_validation(registry::signing::private_organization());
  EXPECT_THAT(send_refused(Reason::kPreconditionFailed), HasSubstr("closed to others"));
}

TEST_F(MailTest, server_is_checked_by_its_certificate) {
  const auto files = certificate("tls");
  MailServer mail({"--tls", files.certificate.string(), files.key.string()});
  auto options = to(mail.port(), "smtps");
  options.ca_file = certificate("others").ca_certificate;
  open(options);
  send_refused(Reason::kPreconditionFailed);
  EXPECT_TRUE(mail.mails().empty());
  options.ca_file = files.ca_certificate;
  open(options);
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 3u);
  EXPECT_EQ(mail.mails().size(), 3u);  // who speaks no TLS there is not heard at all
}

TEST_F(MailTest, starttls_is_insisted_on) {
  const auto files = certificate("tls");
  MailServer without;
  auto options = to(without.port());
  options.ca_file = files.ca_certificate;
  open(options);
  send_refused(Reason::kPreconditionFailed);
  EXPECT_TRUE(without.mails().empty());
  MailServer mail({"--starttls", files.certificate.string(), files.key.string()});
  options.url = to(mail.port()).url;
  open(options);
  EXPECT_EQ(registry::signing::must(outbox->send(call.now)), 3u);
  EXPECT_EQ(mail.mails()[0]["starttls"], true);
}

// Were it not given up, it would take ten minutes.
TEST_F(MailTest, silent_server_is_given_up_when_the_hub_stops) {
  std::atomic<bool> over = false;
  hub::http::Handlers silent;  // a server that waits for a request, and never greets
  const auto listening = hub::http::Server::listen_tcp("127.0.0.1", 0, {}, std::move(silent));
  ASSERT_TRUE(listening);
  auto options = to(std::to_string((*listening)->port()), "smtp", "127.0.0.1");
  options.timeout_ms = 600'000;
  open(options);
  std::thread sender([&] {
    send_refused(Reason::kPreconditionFailed);
    over = true;
  });
  server->give_up();
  sender.join();
  EXPECT_TRUE(over);
  EXPECT_EQ(mails().size(), 3u);
}

// As the hub process runs it.
TEST_F(MailTest, watch_tells_the_server_by_itself) {
  MailServer mail;
  std::atomic<UnixMs> now = call.now;
  hub::app::SigningWatch watch(
      *registry, maildir, [&now] { return now.load(); }, {}, to(mail.port()));
  watch.start();
  wait_until([&] { return mail.mails().size() == 3; });
  make_validation(registry::signing::private_organization());
  wait_until([&] { return mails().empty(); });
  watch.stop();
  EXPECT_GT(mail.mails().size(), 3u);
}

}  // namespace
}  // namespace latchkey::tests
