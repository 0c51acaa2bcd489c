package documents

import (
	"bytes"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/d1gateway/d1gateway/api/serving"
)

// Drift is what somebody else has done to a document. Its text completes "was ... by somebody else".
type Drift string

// The ways in which a document drifts.
const (
	Edited  Drift = "edited"
	Deleted Drift = "deleted"
)

// EventDocumentRepaired is the reason of an event: somebody else had edited or deleted a serving document, and it was restored.
const EventDocumentRepaired = "DocumentRepaired"

func (s *Store) announceRepair(resource runtime.Object, head serving.Header, drift Drift) {
	document := &corev1.ObjectReference{APIVersion: "v1", Kind: objectKind(head.Kind), Namespace: s.namespace, Name: head.ObjectName()}
	s.recorder.Eventf(resource, document, corev1.EventTypeWarning, EventDocumentRepaired, drift.action(),
		"The serving document %s was %s by somebody else and has been restored", head.ObjectName(), drift)
}

// action is that of the event. Events of one action about one document are counted together, so each drift has its own.
func (d Drift) action() string {
	if d == Deleted {
		return "RepairDeletedDocument"
	}
	return "RepairEditedDocument"
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
