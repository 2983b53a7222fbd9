"""Feeds of advisories as their publishers write them, each a list of (id, package, fixed version) made to one text."""

import json
import xml.sax.saxutils as sax


def cve(number):
    return f"CVE-2024-{10000 + number}"


def updateinfo(advisories):
    """`advisories`: (id, [(name, (epoch, version, release))])."""
    text = ['<?xml version="1.0"?><updates>']
    for number, (name, packages) in enumerate(advisories):
        text.append(f'<update status="final" type="security"><id>{name}</id><title>{name}</title>'
                    f'<issued date="2024-01-02 03:04:05"/><severity>Important</severity><references>'
                    f'<reference type="cve" id="{cve(number)}" href="https://example.com/{cve(number)}"/></references>'
                    '<pkglist><collection short="amazon-linux-2023"><name>Amazon Linux 2023</name>')
        for package, (epoch, version, release) in packages:
            text.append(f"<package name={sax.quoteattr(package)} epoch={sax.quoteattr(epoch)} "
                        f"version={sax.quoteattr(version)} release={sax.quoteattr(release)} arch=\"noarch\">"
                        f"<filename>{sax.escape(package)}.rpm</filename></package>")
        text.append("</collection></pkglist></update>")
    return "".join(text) + "</updates>"


def osv(ecosystem, advisories, summary="Important: security update"):
    """`advisories`: (id, [(name, fixed)])."""
    return json.dumps([
        {"id": name, "modified": "2024-01-02T03:04:05Z", "summary": summary, "related": [cve(number)],
         "affected": [{"package": {"ecosystem": ecosystem, "name": package},
                       "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}
                      for package, fixed in packages]}
        for number, (name, packages) in enumerate(advisories)])


def secdb(release, repository, fixes):
    """`fixes`: package -> {version: [CVE]}."""
    return json.dumps({"distroversion": f"v{release}", "reponame": repository,
                       "packages": [{"pkg": {"name": name, "secfixes": versions}} for name, versions in fixes.items()]})


def debian_tracker(flaws):
    """`flaws`: (CVE, source, fixed version in bookworm, "0" where it was never affected, None where it is open)."""
    packages = {}
    for name, source, fixed in flaws:
        word = {"status": "open", "urgency": "medium"} if fixed is None else {
            "status": "resolved", "fixed_version": fixed, "urgency": "medium"}
        packages.setdefault(source, {})[name] = {"description": "d", "releases": {"bookworm": word}}
    return json.dumps(packages)
