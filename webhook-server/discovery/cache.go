package discovery

import (
	"sync"
	"sync/atomic"
	"weak"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// cache keeps what was written for the gateways of the current snapshot, so that each document is written once and not for each
// request. The zero value is empty.
type cache struct{ current atomic.Pointer[written] }

// written are the documents of one snapshot. It does not keep the snapshot alive.
type written struct {
	snapshot  weak.Pointer[serving.Snapshot]
	documents sync.Map // of key to []byte
}

type key struct {
	gatewayID string
	document  Document
}

// document answers the bytes of a document of a gateway of the snapshot. They must not be changed.
func (c *cache) document(s *serving.Snapshot, g *serving.Gateway, d Document) ([]byte, error) {
	current := c.current.Load()
	if snapshot := weak.Make(s); current == nil || current.snapshot != snapshot {
		current = &written{snapshot: snapshot}
		c.current.Store(current)
	}
	if body, ok := current.documents.Load(key{g.GatewayID, d}); ok {
		return body.([]byte), nil
	}
	encode := encodeMetadata
	if d == KeySet {
		encode = encodeKeySet
	}
	body, err := encode(g)
	if err != nil {
		return nil, err
	}
	current.documents.Store(key{g.GatewayID, d}, body)
	return body, nil
}
