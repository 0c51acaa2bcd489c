package peer

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/netip"
	"slices"
	"strings"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// Matches answers nil when the rules mean the certificate, else ErrNoCertificate, ErrSubject or ErrSubjectAltName. A list that is empty
// asks for nothing; where both are given, both must hold.
func Matches(leaf *x509.Certificate, rules api.CertificateRules) error {
	if leaf == nil {
		return ErrNoCertificate
	}
	if len(rules.Subjects) > 0 && !slices.ContainsFunc(rules.Subjects, func(want string) bool { return hasAttributes(leaf.Subject, want) }) {
		return ErrSubject
	}
	if len(rules.SubjectAltNames) > 0 && !slices.ContainsFunc(rules.SubjectAltNames, func(want string) bool { return hasAltName(leaf, want) }) {
		return ErrSubjectAltName
	}
	return nil
}

// hasAttributes says whether the subject has all of the attributes.
func hasAttributes(subject pkix.Name, want string) bool {
	for attribute := range strings.SplitSeq(want, ",") {
		kind, value, _ := strings.Cut(attribute, "=")
		// An absent attribute reads as "" and matches nothing.
		if value == "" || !slices.Contains(attributeValues(subject, kind), value) {
			return false
		}
	}
	return true
}

func attributeValues(subject pkix.Name, kind string) []string {
	switch kind {
	case "CN":
		return []string{subject.CommonName}
	case "O":
		return subject.Organization
	case "OU":
		return subject.OrganizationalUnit
	case "C":
		return subject.Country
	case "L":
		return subject.Locality
	case "ST":
		return subject.Province
	case "SERIALNUMBER":
		return []string{subject.SerialNumber}
	default:
		return nil
	}
}

// hasAltName compares each type as RFC 5280 section 7 says: host names without regard to case, of a mail address only what follows the
// "@", addresses by value. URIs are compared as they stand, and a wildcard in the certificate is only equal to itself.
func hasAltName(leaf *x509.Certificate, want string) bool {
	kind, value, _ := strings.Cut(want, ":")
	if value == "" {
		return false
	}
	switch kind {
	case "DNS":
		return slices.ContainsFunc(leaf.DNSNames, func(name string) bool { return strings.EqualFold(name, value) })
	case "URI":
		return slices.Contains(uriNames(leaf), value)
	case "EMAIL":
		return slices.ContainsFunc(leaf.EmailAddresses, func(name string) bool { return equalMailbox(name, value) })
	case "IP":
		return hasAddress(leaf, value)
	default:
		return false
	}
}

func equalMailbox(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i >= 0 && j >= 0 && a[:i] == b[:j] && strings.EqualFold(a[i:], b[j:])
}

func hasAddress(leaf *x509.Certificate, want string) bool {
	address, err := netip.ParseAddr(want)
	if err != nil {
		return false
	}
	for _, ip := range leaf.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok && a.Unmap() == address.Unmap() {
			return true
		}
	}
	return false
}

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// uniformResourceIdentifier is the tag of a URI among the alternative names (RFC 5280 section 4.2.1.6).
const uniformResourceIdentifier = 6

// uriNames are the URIs letter by letter; those of x509.Certificate have been through url.Parse, which evens out some differences.
func uriNames(leaf *x509.Certificate) []string {
	var names []string
	for _, extension := range leaf.Extensions {
		if !extension.Id.Equal(subjectAltName) {
			continue
		}
		var list, name asn1.RawValue
		if _, err := asn1.Unmarshal(extension.Value, &list); err != nil {
			return nil
		}
		for rest := list.Bytes; len(rest) > 0; {
			var err error
			if rest, err = asn1.Unmarshal(rest, &name); err != nil {
				return nil
			}
			if name.Class == asn1.ClassContextSpecific && name.Tag == uniformResourceIdentifier {
				names = append(names, string(name.Bytes))
			}
		}
	}
	return names
}
