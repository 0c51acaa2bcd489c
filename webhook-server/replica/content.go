package replica

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// The bounds of a report: those of its schema, in bytes where that counts characters.
const (
	maxRefused      = 256
	maxMessageBytes = 512
	maxUses         = 1000
	maxDraining     = 1000
	maxIDBytes      = 128
	maxObjectBytes  = 253
)

// spreadAbove is how many uses one object holds before they are spread over more: a use that is told anew rewrites no more than about so many.
const spreadAbove = 500

// newReport is a report without content.
func newReport(replica, object string) *v1alpha1.ReplicaReport {
	return &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: object}, Replica: replica}
}

// servedDocuments is nil while a version is not known: then there is nothing that could be said.
func servedDocuments(s serving.Served) *v1alpha1.ServedDocuments {
	if s.ConfigMaps == "" || s.Secrets == "" {
		return nil
	}
	return &v1alpha1.ServedDocuments{
		ConfigMapsVersion: s.ConfigMaps, SecretsVersion: s.Secrets,
		Served: ptr(int32(min(s.Documents, 1<<30))), RefusedCount: ptr(int32(min(len(s.Problems), 1<<30))), //nolint:gosec // both are bounded
		Refused: refused(s.Problems),
	}
}

// refused answers the first problems by name.
func refused(problems []serving.Problem) []v1alpha1.RefusedDocument {
	problems = slices.SortedFunc(slices.Values(problems), func(a, b serving.Problem) int { return strings.Compare(a.Object, b.Object) })
	var list []v1alpha1.RefusedDocument
	for _, p := range problems[:min(len(problems), maxRefused)] {
		list = append(list, v1alpha1.RefusedDocument{Object: p.Object, Message: message(p.Err)})
	}
	return list
}

// message is bounded and holds no card number, nor what the cut has made look like one.
func message(err error) string {
	text := "no reason is known"
	if err != nil && err.Error() != "" {
		text = strings.ToValidUTF8(api.MaskCardNumbers(err.Error()), "\uFFFD")
	}
	return api.MaskCardNumbers(cut(text, maxMessageBytes))
}

// cut answers as much of a text as fits into so many bytes, in whole characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// usesOf lists uses in the order of their documents.
func usesOf(uses []use) []v1alpha1.CredentialUse {
	var list []v1alpha1.CredentialUse
	for _, u := range uses {
		list = append(list, v1alpha1.CredentialUse{Document: u.object, ID: u.id, LastUsedTime: metav1.Unix(u.seconds, 0)})
	}
	slices.SortFunc(list, func(a, b v1alpha1.CredentialUse) int {
		return cmp.Or(strings.Compare(a.Document, b.Document), strings.Compare(a.ID, b.ID))
	})
	return list
}

// fits says whether a report can hold the use.
func (u use) fits() bool {
	return u.id != "" && len(u.id) <= maxIDBytes && len(u.object) <= maxObjectBytes && u.seconds > 0
}

// latest keeps those that were used last, as many as an object may hold.
func latest(uses []use) []use {
	if len(uses) <= maxUses {
		return uses
	}
	slices.SortFunc(uses, func(a, b use) int {
		return cmp.Or(cmp.Compare(b.seconds, a.seconds), strings.Compare(a.object, b.object), strings.Compare(a.id, b.id))
	})
	return uses[:maxUses]
}

// spread answers over how many further objects so many uses are spread, 0 for none. It grows in powers of two, so that growing splits each
// object in two, and shrinks late: at a border the objects would all be rewritten time and again.
func spread(further, uses int) int {
	if uses > max(1, further)*spreadAbove {
		for further = max(2, further); uses > further*spreadAbove; {
			further *= 2
		}
		return further
	}
	for further > 0 && uses <= further*spreadAbove/4 {
		if further /= 2; further == 1 {
			return 0
		}
	}
	return further
}

// group answers which of the further objects holds the use: all credentials of a document are in one.
func (u use) group(further int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(u.namespace + "." + u.name))
	return int(h.Sum32() % uint32(further)) //nolint:gosec // it is a small positive number
}

// furtherName is the name of a further object.
func furtherName(replica string, n int) string { return replica + furtherInfix + strconv.Itoa(n) }

const furtherInfix = ".uses-"

func ptr[T any](v T) *T { return &v }
