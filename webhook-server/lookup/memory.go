package lookup

import (
	"container/list"
	"time"
)

// memory keeps an instant for each of at most limit keys. When there are more, it forgets what was set first of a gateway that has its share or
// more: one that asks about many tokens costs those with less nothing. It is not safe for concurrent use.
type memory struct {
	limit     int
	byKey     map[key]*list.Element
	byGateway map[string]*list.List // of entry, the one set first in front; none is empty
	loser     *list.List            // whose entry was forgotten last
}

type entry struct {
	key key
	at  time.Time
}

func newMemory(limit int) *memory {
	return &memory{limit: limit, byKey: map[key]*list.Element{}, byGateway: map[string]*list.List{}}
}

func (m *memory) get(k key) (time.Time, bool) {
	e, ok := m.byKey[k]
	if !ok {
		return time.Time{}, false
	}
	return e.Value.(entry).at, true
}

func (m *memory) set(k key, at time.Time) {
	m.delete(k)
	if len(m.byKey) >= m.limit {
		m.forget()
	}
	own := m.byGateway[k.gateway]
	if own == nil {
		own = list.New()
		m.byGateway[k.gateway] = own
	}
	m.byKey[k] = own.PushBack(entry{k, at})
}

// forget makes room. It goes on with the same gateway as long as that has its share, so that it need not look at all of them each time.
func (m *memory) forget() {
	if m.loser == nil || m.loser.Len()*len(m.byGateway) < m.limit {
		m.loser = nil
		for _, own := range m.byGateway {
			if m.loser == nil || own.Len() > m.loser.Len() {
				m.loser = own
			}
		}
	}
	m.delete(m.loser.Front().Value.(entry).key)
}

func (m *memory) delete(k key) {
	e, ok := m.byKey[k]
	if !ok {
		return
	}
	own := m.byGateway[k.gateway]
	own.Remove(e)
	delete(m.byKey, k)
	if own.Len() == 0 {
		delete(m.byGateway, k.gateway)
	}
}
