#include "scan/tenable/ssh_key.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace hallmark::scan::tenable {
namespace {

std::string openssh(std::string_view cipher) {
  std::string body("openssh-key-v1\0\0\0\0", 18);
  body += static_cast<char>(cipher.size());
  body += cipher;
  body += "the rest of it, which is of no matter here";
  return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64_encode(body) +
         "\n-----END OPENSSH PRIVATE KEY-----\n";
}

TEST(SshKey, IsLockedOnlyWithAPassphrase) {
  EXPECT_TRUE(is_locked_key(openssh("aes256-ctr")));
  EXPECT_FALSE(is_locked_key(openssh("none")));
  EXPECT_TRUE(is_locked_key("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII\n"));
  EXPECT_TRUE(is_locked_key("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"));
  EXPECT_FALSE(is_locked_key("-----BEGIN RSA PRIVATE KEY-----\nMII\n"));
  EXPECT_FALSE(is_locked_key("-----BEGIN PRIVATE KEY-----\nMII\n"));
}

TEST(SshKey, WhatCannotBeReadIsNotLocked) {
  EXPECT_FALSE(is_locked_key(""));
  EXPECT_FALSE(is_locked_key("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
  const std::string end = "-----END OPENSSH PRIVATE KEY-----";
  EXPECT_FALSE(is_locked_key(end + "-----BEGIN OPENSSH PRIVATE KEY-----"));
  EXPECT_FALSE(is_locked_key("-----BEGIN OPENSSH PRIVATE KEY-----\n!!!\n" + end));
  EXPECT_FALSE(is_locked_key("-----BEGIN OPENSSH PRIVATE KEY-----\n" +
                             base64_encode(std::string_view("openssh-key-v1\0", 15)) + end));
}

}  // namespace
}  // namespace hallmark::scan::tenable
