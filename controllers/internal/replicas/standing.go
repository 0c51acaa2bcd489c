package replicas

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/ptr"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Need is one object with a document that must be served.
type Need struct {
	Kind serving.Kind
	// Object is its name, Version the resourceVersion of what was written or found last; a need without a version is met by nobody.
	Object, Version string
}

// Refusal is a document that a replica does not serve.
type Refusal struct {
	Replica, Object, Message string
}

// Standing is what the live replicas say of some documents.
type Standing struct {
	// Live is how many replicas are live.
	Live int
	// Gap says that none is live, but that may be for a moment only: neither a server that is restarted nor an API server that is away is a reason to call
	// everything unserved.
	Gap bool
	// Behind are those that do not serve the documents yet, in order.
	Behind []string
	// Refused are the documents that replicas keep out, in order.
	Refused []Refusal
}

// Served says whether every live replica serves the documents, and there is one.
func (s Standing) Served() bool { return s.Live > 0 && len(s.Behind) == 0 && len(s.Refused) == 0 }

// judge answers what the replicas of these reports say of the documents. The refusals of a replica count when it has seen all of them: one that has seen
// a part refuses what refers to the rest, for a moment.
func judge(live map[string]*v1alpha1.ServedDocuments, needs []Need) Standing {
	s := Standing{Live: len(live)}
	for name, documents := range live {
		if slices.ContainsFunc(needs, func(n Need) bool { return !reaches(versionOf(documents, n.Kind), n.Version) }) {
			s.Behind = append(s.Behind, name)
			continue
		}
		for _, need := range needs {
			if message, refused := refusal(documents, need.Object); refused {
				s.Refused = append(s.Refused, Refusal{name, need.Object, message})
			}
		}
	}
	slices.Sort(s.Behind)
	slices.SortFunc(s.Refused, func(a, b Refusal) int {
		return strings.Compare(a.Replica+"\x00"+a.Object, b.Replica+"\x00"+b.Object)
	})
	return s
}

// versionOf answers up to which version a replica serves the objects that hold documents of a kind; empty when it has said nothing.
func versionOf(documents *v1alpha1.ServedDocuments, kind serving.Kind) string {
	switch {
	case documents == nil:
		return ""
	case kind == serving.KindGateway:
		return documents.ConfigMapsVersion
	default:
		return documents.SecretsVersion
	}
}

// reaches compares two resourceVersions of one resource type, which are ordered numbers.
func reaches(have, want string) bool {
	order, err := resourceversion.CompareResourceVersion(have, want)
	return err == nil && order >= 0
}

func refusal(documents *v1alpha1.ServedDocuments, object string) (string, bool) {
	for _, r := range documents.Refused {
		if r.Object == object {
			return r.Message, true
		}
	}
	if unlistedIn(documents).covers(object) {
		// How many there are changes from moment to moment, and is no reason to write the status of each of them again.
		return "it refuses more documents than it can list, and this may be one of them", true
	}
	return "", false
}

// unlisted are the documents that a replica refuses beyond those that its report has room for. It lists the first in the order of their names.
type unlisted struct {
	any   bool
	after string // the last one that is listed
}

func unlistedBy(r *v1alpha1.ReplicaReport) unlisted {
	if r == nil {
		return unlisted{}
	}
	return unlistedIn(r.Documents)
}

func unlistedIn(documents *v1alpha1.ServedDocuments) unlisted {
	if documents == nil || int(ptr.Deref(documents.RefusedCount, 0)) <= len(documents.Refused) {
		return unlisted{}
	}
	if listed := len(documents.Refused); listed > 0 {
		return unlisted{true, documents.Refused[listed-1].Object}
	}
	return unlisted{any: true}
}

// covers says whether a document may be one of them.
func (u unlisted) covers(object string) bool { return u.any && object > u.after }
