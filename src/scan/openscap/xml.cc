#include "scan/openscap/xml.h"

#include "base/error.h"
#include "base/text.h"
#include "model/finding.h"

namespace hallmark::scan::openscap {
namespace {

// Groups in groups and lists in texts stay below a third of it in all of scap-security-guide.
constexpr int kDeepest = 64;

bool is_too_deep(Node root) {
  int depth = 0;
  for (Node node = root.first_child(); node;) {
    if (Node first = node.first_child()) {
      if (++depth >= kDeepest) return true;
      node = first;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (node == root) return false;
    node = node.next_sibling();
  }
  return false;
}

}  // namespace

void load_xml(pugi::xml_document& document, std::string_view text, std::size_t limit,
              std::string_view what) {
  if (text.size() > limit) {
    throw Error(ErrorKind::corrupt, "{} has {}, more than the {} that are read", what,
                format_size(text.size()), format_size(limit));
  }
  // pugixml knows no entities but the five of XML itself. It would skip a document type, but no
  // such file has one: whoever writes one hopes that somebody resolves it.
  unsigned options = pugi::parse_default | pugi::parse_doctype;
  pugi::xml_parse_result result =
      document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
  if (!result) {
    throw Error(ErrorKind::corrupt, "{} is not XML: {} at byte {}", what, result.description(),
                result.offset);
  }
  for (Node node : document.children()) {
    if (node.type() == pugi::node_doctype) {
      throw Error(ErrorKind::corrupt, "{} has a document type, which is not read", what);
    }
  }
  if (is_too_deep(document)) {
    throw Error(ErrorKind::corrupt, "{} is nested more than {} levels deep", what, kDeepest);
  }
}

std::string_view local_name(Node node) {
  std::string_view name = node.name();
  std::size_t colon = name.rfind(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

Node child(Node parent, std::string_view name) {
  for (Node node : parent.children()) {
    if (local_name(node) == name) return node;
  }
  return {};
}

std::string attribute(Node node, const char* name) { return node.attribute(name).value(); }

Node next_in(Node root, Node node, bool into_children) {
  if (into_children) {
    if (Node first = node.first_child()) return first;
  }
  while (node && node != root) {
    if (Node next = node.next_sibling()) return next;
    node = node.parent();
  }
  return {};
}

}  // namespace hallmark::scan::openscap
