#include <algorithm>
#include <pugixml.hpp>

#include "aws/place.h"
#include "aws/protocol/readers.h"
#include "aws/protocol/scalar.h"
#include "base/error.h"
#include "base/text.h"

namespace hallmark::aws {

namespace {

using Node = pugi::xml_node;

std::string_view local_name(const char* name) {
  std::string_view whole(name);
  auto colon = whole.find(':');
  return colon == std::string_view::npos ? whole : whole.substr(colon + 1);
}

bool is_element(Node node) { return node.type() == pugi::node_element; }

/// The text before the first child element.
std::string text_of(Node node) {
  Node first = node.first_child();
  bool is_text = first.type() == pugi::node_pcdata || first.type() == pugi::node_cdata;
  if (is_text && !first.next_sibling()) return first.value();
  std::string text;
  for (Node child : node.children()) {
    if (is_element(child)) break;
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
      text += child.value();
    }
  }
  return text;
}

Node child_named(Node node, std::string_view name) {
  for (Node child : node.children()) {
    if (is_element(child) && local_name(child.name()) == name) return child;
  }
  return {};
}

std::string_view key_of(const Member& member) {
  // The elements of a flattened list stand where the list would.
  if (member.shape->type == Type::list && member.flattened &&
      !member.shape->element.location_name.empty()) {
    return member.shape->element.location_name;
  }
  return member.wire_name();
}

std::size_t count_elements(Node node) {
  std::size_t count = 0;
  for (Node child : node.children()) count += is_element(child);
  return count;
}

[[noreturn]] void too_deep() {
  throw Error(ErrorKind::corrupt, "the answer is nested more than {} levels deep", kMaxDepth);
}

/// Walks without recursion, which a deep document would turn against us.
void check_depth(Node root) {
  int depth = 0;
  Node node = root;
  while (true) {
    if (Node child = node.first_child()) {
      if (++depth > kMaxDepth) too_deep();
      node = child;
      continue;
    }
    while (node != root && !node.next_sibling()) {
      node = node.parent();
      --depth;
    }
    if (node == root) return;
    node = node.next_sibling();
  }
}

Value read_value(const Member& member, Node node, const Place& place);

Value read_list(const Member& member, Node node, const Place& place) {
  Value list = Value::array();
  if (member.flattened) {
    list.push_back(read_value(member.shape->element, node, {&place, {}, 0}));
    return list;
  }
  std::size_t index = 0;
  for (Node child : node.children()) {
    if (!is_element(child)) continue;
    list.push_back(read_value(member.shape->element, child, {&place, {}, index}));
    ++index;
  }
  return list;
}

void read_entry(const Shape& shape, Node entry, Value& map, const Place& place) {
  auto name_or = [](const Member& part, std::string_view otherwise) {
    return part.location_name.empty() ? otherwise : part.location_name;
  };
  Node key = child_named(entry, name_or(shape.key, "key"));
  Node value = child_named(entry, name_or(shape.element, "value"));
  if (!key || !value) {
    throw Error(ErrorKind::corrupt, "{}: an entry of the map lacks its key or value", place.text());
  }
  std::string name = text_of(key);
  Value read = read_value(shape.element, value, {&place, name, 0});
  append(map, name, std::move(read));
}

Value read_map(const Member& member, Node node, const Place& place) {
  Value map = object_with_room(count_elements(node));
  if (member.flattened) {
    read_entry(*member.shape, node, map, place);
    return map;
  }
  for (Node child : node.children()) {
    if (is_element(child)) read_entry(*member.shape, child, map, place);
  }
  return map;
}

void read_attributes(const Shape& shape, Node node, Value& structure) {
  for (const Member& member : shape.members) {
    if (!member.xml_attribute) continue;
    std::string_view wanted = member.wire_name();
    auto colon = wanted.find(':');
    for (pugi::xml_attribute attribute : node.attributes()) {
      // The model's prefix need not be the document's.
      bool same = wanted == attribute.name();
      if (!same && colon != std::string_view::npos &&
          std::string_view(attribute.name()).find(':') != std::string_view::npos) {
        same = local_name(attribute.name()) == wanted.substr(colon + 1);
      }
      if (same) append(structure, member.name, std::string(attribute.value()));
    }
  }
}

/// Children mostly come in the model's order, so the search starts behind the last one found.
const Member* find_member(const Shape& shape, std::string_view name, std::size_t& next) {
  std::size_t count = shape.members.size();
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = next + i < count ? next + i : next + i - count;
    const Member& member = shape.members[at];
    if (member.location == Location::body && !member.xml_attribute && key_of(member) == name) {
      next = at;
      return &member;
    }
  }
  return nullptr;
}

Value read_structure(const Shape& shape, Node node, const Place& place) {
  // Attributes that are members stand in one structure of one service; they find no room of theirs.
  Value structure = object_with_room(count_elements(node));
  read_attributes(shape, node, structure);
  std::size_t next = 0;
  std::string_view unknown;
  for (Node child : node.children()) {
    if (!is_element(child)) continue;
    std::string_view name = local_name(child.name());
    const Member* member = find_member(shape, name, next);
    if (member == nullptr) {
      unknown = name;
      continue;
    }
    auto seen = structure.find(member->name);
    if (seen == structure.end()) {
      append(structure, member->name, read_value(*member, child, {&place, member->name, 0}));
    } else if (member->flattened && member->shape->type == Type::list) {
      seen->push_back(
          read_value(member->shape->element, child, {&place, member->name, seen->size()}));
    } else if (member->flattened && member->shape->type == Type::map) {
      read_entry(*member->shape, child, *seen, {&place, member->name, 0});
    }
  }
  if (shape.is_union && structure.empty() && !unknown.empty()) {
    return {{"SDK_UNKNOWN_MEMBER", {{"name", std::string(unknown)}}}};
  }
  return structure;
}

Value read_value(const Member& member, Node node, const Place& place) {
  switch (member.shape->type) {
    case Type::structure:
      return read_structure(*member.shape, node, place);
    case Type::list:
      return read_list(member, node, place);
    case Type::map:
      return read_map(member, node, place);
    default:
      try {
        return scalar_value(member, text_of(node));
      } catch (Error& error) {
        throw Error(ErrorKind::corrupt, "{}: {}", place.text(), error.message());
      }
  }
}

}  // namespace

struct XmlDocument::Tree {
  pugi::xml_document document;
  Node root;

  Node error() const {
    if (local_name(root.name()) == "Error") return root;
    Node direct = child_named(root, "Error");
    return direct ? direct : child_named(child_named(root, "Errors"), "Error");
  }
};

XmlDocument::XmlDocument(std::string_view text) : tree_(std::make_unique<Tree>()) {
  if (text.size() > kMaxDocumentBytes) {
    throw Error(ErrorKind::corrupt, "the answer is longer than {}", format_size(kMaxDocumentBytes));
  }
  // White space between elements means nothing, but all of an element's text does.
  auto result = tree_->document.load_buffer(
      text.data(), text.size(),
      pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype,
      pugi::encoding_utf8);
  for (Node child : tree_->document.children()) {
    if (child.type() == pugi::node_doctype) {
      bool html = to_lower(child.value()).starts_with("html");
      throw Error(ErrorKind::corrupt, html ? "the answer is HTML, not XML"
                                           : "the answer has a DOCTYPE, which AWS never sends");
    }
    if (is_element(child) && !tree_->root) tree_->root = child;
  }
  if (tree_->root && to_lower(local_name(tree_->root.name())) == "html") {
    throw Error(ErrorKind::corrupt, "the answer is HTML, not XML");
  }
  if (!result) {
    throw Error(ErrorKind::corrupt, "the answer is not XML, or cut off: {} at byte {} of {}",
                result.description(), result.offset, text.size());
  }
  check_depth(tree_->document);
}

XmlDocument::~XmlDocument() = default;

std::string XmlDocument::root_name() const { return std::string(local_name(tree_->root.name())); }

std::string XmlDocument::root_text() const { return text_of(tree_->root); }

Value XmlDocument::read(const Member& member, std::string_view wrapper) const {
  Node start = tree_->root;
  if (!wrapper.empty()) {
    start = child_named(tree_->root, wrapper);
    if (!start && local_name(tree_->root.name()) == wrapper) start = tree_->root;
    if (!start) {
      throw Error(ErrorKind::corrupt, "the answer <{}> has no <{}>", tree_->root.name(), wrapper);
    }
  }
  return read_value(member, start, {});
}

ErrorDocument XmlDocument::error() const {
  Node error = tree_->error();
  if (!error) return {};
  ErrorDocument out{std::string(trim(text_of(child_named(error, "Code")))),
                    text_of(child_named(error, "Message")), ""};
  if (out.message.empty()) out.message = text_of(child_named(error, "message"));
  for (Node place : {tree_->root, error, child_named(tree_->root, "ResponseMetadata")}) {
    for (const char* name : {"RequestId", "RequestID", "requestId"}) {
      if (out.request_id.empty()) out.request_id = trim(text_of(child_named(place, name)));
    }
  }
  return out;
}

Value XmlDocument::read_error(const Shape& shape) const {
  return read_structure(shape, tree_->error(), {});
}

}  // namespace hallmark::aws
