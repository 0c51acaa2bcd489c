package replica

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// maxName leaves room for the names of further reports.
const maxName = 230

// CheckName answers why a replica cannot have that name, which is a Lease's and a ReplicaReport's.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%q is longer than %d characters", name, maxName)
	}
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return fmt.Errorf("%q is no name for a Kubernetes object: letters of a to z, digits, '-' and '.', with a letter or digit at both ends", name)
	}
	if strings.Contains(name, furtherInfix) {
		return fmt.Errorf("%q holds %q, which names further reports", name, furtherInfix)
	}
	return nil
}

// NameOfHost makes a name from a host name; it is empty when nothing of that is left.
func NameOfHost(host string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(host) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			b.WriteRune(c)
		} else {
			b.WriteByte('-')
		}
	}
	var labels []string
	for label := range strings.SplitSeq(b.String(), ".") {
		if label = strings.Trim(label, "-"); label != "" {
			labels = append(labels, label)
		}
	}
	name := strings.ReplaceAll(strings.Join(labels, "."), furtherInfix, "-uses-")
	return strings.Trim(name[:min(len(name), maxName)], "-.")
}
