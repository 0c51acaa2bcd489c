package documents

import (
	"bytes"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
)

// Drift is what somebody else has done to a document. Its text completes "was ... by somebody else".
type Drift string

// The ways in which a document drifts.
const (
	Edited  Drift = "edited"
	Deleted Drift = "deleted"
)

// Action is the one of an event that tells of the repair. Events of one action about one document are counted together, so each drift has its own.
func (d Drift) Action() string {
	if d == Deleted {
		return "RepairDeletedDocument"
	}
	return "RepairEditedDocument"
}

// Reference names the object that holds a document.
func (s *Store) Reference(head serving.Header) *corev1.ObjectReference {
	return &corev1.ObjectReference{APIVersion: "v1", Kind: objectKind(head.Kind), Namespace: s.namespace, Name: head.ObjectName()}
}

// confirmed holds what this operator has written last, or found to be as it would write it: a document that differs from it was changed by
// somebody else, and is decided about as it was. Else what somebody has put in would be taken for what was promised before: a credential, its end, a key.
// It lives as long as the operator.
type confirmed struct {
	mu      sync.Mutex
	objects map[string]copied // by name
}

// copied is one state of a document.
type copied struct {
	version string
	raw     []byte
}

func (c *confirmed) note(object, version string, raw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.objects == nil {
		c.objects = map[string]copied{}
	}
	c.objects[object] = copied{version, raw}
}

// forget is for a document that is about to be deleted, and for one of which it is not known whether a write has reached it.
func (c *confirmed) forget(object string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.objects, object)
}

// drift answers what somebody else has done to a document; empty when nothing, or when nobody can tell. A change that spares the document
// and its labels is none.
func (c *confirmed) drift(object string, found Stored) Drift {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.objects[object]
	switch {
	case known && found.Version == "":
		return Deleted
	case known && found.Version != last.version && (!found.labelled || !bytes.Equal(found.raw, last.raw)):
		return Edited
	case !known && found.Damage != nil:
		return Edited
	default:
		return ""
	}
}

// undrifted answers what was found with the document as it was before somebody else changed it, if this operator knows it.
func (c *confirmed) undrifted(head serving.Header, found Stored) Stored {
	found.Drift = c.drift(head.ObjectName(), found)
	if found.Drift == "" {
		return found
	}
	c.mu.Lock()
	last := c.objects[head.ObjectName()].raw
	c.mu.Unlock()
	if document, err := decode(last, head); err == nil && document.Head().UID == head.UID {
		found.Document, found.Damage, found.Former = document, nil, false
	}
	return found
}
