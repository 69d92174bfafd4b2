//! `JSONTestSuite`: `y_` must be accepted, `n_` refused, `i_` is free.

use std::fs;

use verification_keys::json;

use crate::data;

/// The names of the suite's files that begin with `prefix` and were accepted, and how many were not.
fn outcome(prefix: &str) -> (Vec<String>, usize) {
    let entries = fs::read_dir(data("jsontestsuite/test_parsing")).unwrap().map(Result::unwrap);
    let names = entries.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name.starts_with(prefix));
    let (mut accepted, refused): (Vec<_>, Vec<_>) = names.partition(|name| {
        let text = fs::read(data("jsontestsuite/test_parsing").join(name)).unwrap();
        json::parse(&text).is_ok()
    });
    accepted.sort();
    (accepted, refused.len())
}

#[test]
fn accepts_what_is_json_unless_a_name_stands_twice() {
    let (accepted, refused) = outcome("y_");
    assert_eq!((accepted.len(), refused), (93, 2));
    for duplicate in ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"] {
        let text = fs::read(data("jsontestsuite/test_parsing").join(duplicate)).unwrap();
        assert_eq!(json::parse(&text), Err(json::JsonError::DuplicateName), "{duplicate}");
    }
}

#[test]
fn refuses_everything_that_is_not_json() {
    assert_eq!(outcome("n_"), (vec![], 188));
}

#[test]
fn of_what_is_free_accepts_only_numbers_that_lose_precision() {
    let expected = [
        "i_number_double_huge_neg_exp.json",
        "i_number_real_underflow.json",
        "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json",
        "i_number_very_big_negative_int.json",
    ];
    assert_eq!(outcome("i_"), (expected.map(str::to_owned).to_vec(), 35 - expected.len()));
}
