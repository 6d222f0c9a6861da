#include <criterion/criterion.h>

#include "wire/cursor.h"

Test(cursor, rejects_length_past_end)
{
	static const uint8_t data[] = { 3, 'a', 'b' };
	struct reader r = reader_init(data, sizeof(data));

	cr_assert_null(reader_vec8(&r).data);
	cr_assert(r.failed);
	cr_assert_eq(reader_finish(&r), -1);
}

Test(cursor, rejects_trailing_bytes)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct reader r = reader_init(data, sizeof(data));

	cr_assert_eq(reader_u16(&r), 0x0102);
	cr_assert_eq(reader_finish(&r), -1);
	cr_assert_eq(reader_u8(&r), 3);
	cr_assert_eq(reader_finish(&r), 0);
}

Test(cursor, stays_failed_after_the_first_failure)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct reader r = reader_init(data, sizeof(data));

	cr_assert_eq(reader_u32(&r), 0);
	cr_assert_eq(reader_u8(&r), 0);
	cr_assert_eq(reader_left(&r), 0);
}

Test(cursor, writer_refuses_what_does_not_fit)
{
	uint8_t buf[3];
	struct writer w = writer_init(buf, sizeof(buf));
	size_t len = 77;

	writer_vec16(&w, "ab", 2);
	writer_u8(&w, 1);
	cr_assert_eq(writer_finish(&w, &len), -1);
	cr_assert_eq(len, 77);
}

Test(cursor, writer_refuses_a_vector_longer_than_its_prefix)
{
	uint8_t buf[600], data[256] = { 0 };
	struct writer w = writer_init(buf, sizeof(buf));

	writer_vec8(&w, data, sizeof(data));
	cr_assert(w.failed);
}

Test(cursor, round_trip_of_all_types)
{
	uint8_t buf[64];
	struct writer w = writer_init(buf, sizeof(buf));
	struct reader r;
	size_t len;

	writer_u8(&w, 0xfe);
	writer_u16(&w, 0xfedc);
	writer_u32(&w, 0xfedcba98);
	writer_u64(&w, 0xfedcba9876543210);
	writer_vec8(&w, "x", 1);
	writer_vec16(&w, NULL, 0);
	writer_vec32(&w, "yz", 2);
	cr_assert_eq(writer_finish(&w, &len), 0);
	r = reader_init(buf, len);
	cr_assert_eq(reader_u8(&r), 0xfe);
	cr_assert_eq(reader_u16(&r), 0xfedc);
	cr_assert_eq(reader_u32(&r), 0xfedcba98);
	cr_assert_eq(reader_u64(&r), 0xfedcba9876543210);
	cr_assert_eq(reader_vec8(&r).len, 1);
	cr_assert_eq(reader_vec16(&r).len, 0);
	cr_assert_eq(reader_vec32(&r).len, 2);
	cr_assert_eq(reader_finish(&r), 0);
}
