//! Roles: a rank and permissions under a sealed name, and compact sets of them.

use super::Permissions;

/// A role, named by the sequence of the entry that defined it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleId(pub u32);

impl RoleId {
    /// The role that every member holds. It comes with the place, has rank 0 and cannot be removed.
    pub const EVERYONE: Self = Self(0);
}

/// Who stands above whom: nobody acts on an equal or higher rank. Members without a role have rank 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u16);

impl Rank {
    /// Above every role.
    pub const OWNER: Self = Self(u16::MAX);
}

/// What a role is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDefinition {
    /// Its rank, from 1 to [`super::limits::RANK_MAX`]; 0 for the role of everyone.
    pub rank: Rank,
    /// What its holders may do.
    pub permissions: Permissions,
    /// Name, colour and the like, sealed.
    pub sealed: Vec<u8>,
}

/// A role in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The sequence of the entry that defined it.
    pub id: RoleId,
    /// What it is now.
    pub definition: RoleDefinition,
    /// The sequence of the entry that gave it its sealed name.
    pub named: u32,
}

/// A set of roles by their slots: at most 64 exist at a time, each in the lowest slot that was free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RoleSet(pub(super) u64);

impl RoleSet {
    pub(super) fn of(slot: u8) -> Self {
        Self(1_u64.checked_shl(u32::from(slot)).unwrap_or(0))
    }

    pub(super) fn contains(self, slot: u8) -> bool {
        self.intersects(Self::of(slot))
    }

    pub(super) fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn with(self, slot: u8) -> Self {
        Self(self.0 | Self::of(slot).0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The slots in order.
    pub(super) fn slots(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |slot| self.contains(*slot))
    }
}

/// A set of roles, each with the sequence since which it is there: a member's roles, or a channel's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RoleGrants {
    set: RoleSet,
    /// One for each role of the set, in the order of slots.
    since: Vec<u32>,
}

impl RoleGrants {
    /// The set, when `since` has one number for each role.
    pub(super) fn new(set: RoleSet, since: Vec<u32>) -> Option<Self> {
        (set.len() == since.len()).then_some(Self { set, since })
    }

    pub(super) fn set(&self) -> RoleSet {
        self.set
    }

    /// Slots and since when, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, u32)> {
        self.set.slots().zip(self.since.iter().copied())
    }

    /// Becomes `set`; what was there before keeps its number.
    pub(super) fn replace(&mut self, set: RoleSet, sequence: u32) {
        let old: Vec<(u8, u32)> = self.iter().collect();
        self.since = set
            .slots()
            .map(|slot| {
                old.iter()
                    .find(|(other, _)| *other == slot)
                    .map_or(sequence, |(_, since)| *since)
            })
            .collect();
        self.set = set;
    }

    pub(super) fn remove(&mut self, slot: u8) {
        if self.set.contains(slot) {
            self.replace(self.set.without(RoleSet::of(slot)), 0);
        }
    }
}

/// The roles of a place by slot. Slot 0 is the role of everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RoleTable(Vec<Option<Role>>);

impl RoleTable {
    pub(super) fn slot(&self, id: RoleId) -> Option<u8> {
        let slot = self
            .0
            .iter()
            .position(|role| role.as_ref().is_some_and(|role| role.id == id))?;
        u8::try_from(slot).ok()
    }

    pub(super) fn find(&self, id: RoleId) -> Option<&Role> {
        self.iter().map(|(_, role)| role).find(|role| role.id == id)
    }

    pub(super) fn find_mut(&mut self, id: RoleId) -> Option<&mut Role> {
        self.0.iter_mut().flatten().find(|role| role.id == id)
    }

    pub(super) fn at(&self, slot: u8) -> Option<&Role> {
        self.0.get(usize::from(slot))?.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &Role)> {
        (0_u8..)
            .zip(&self.0)
            .filter_map(|(slot, role)| Some((slot, role.as_ref()?)))
    }

    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }

    /// Puts a role into the lowest free slot.
    pub(super) fn insert(&mut self, role: Role) {
        match self.0.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(role),
            None => self.0.push(Some(role)),
        }
    }

    /// Puts a role into a slot that is free.
    pub(super) fn place(&mut self, slot: u8, role: Role) {
        let slot = usize::from(slot);
        while self.0.len() <= slot {
            self.0.push(None);
        }
        if let Some(place) = self.0.get_mut(slot) {
            *place = Some(role);
        }
    }

    pub(super) fn remove(&mut self, slot: u8) {
        if let Some(place) = self.0.get_mut(usize::from(slot)) {
            *place = None;
        }
        // One form of each table: no free slots at its end.
        while self.0.last().is_some_and(Option::is_none) {
            self.0.pop();
        }
    }

    /// The set of all roles.
    pub(super) fn all(&self) -> RoleSet {
        self.iter()
            .fold(RoleSet::default(), |set, (slot, _)| set.with(slot))
    }
}
